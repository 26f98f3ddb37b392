"""A parent with eight hundred open files."""

import os
import resource
import selectors

soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
kept = [os.pipe() for _ in range(400)]
selector = selectors.DefaultSelector()
for reader, _ in kept:
    selector.register(reader, selectors.EVENT_READ)
