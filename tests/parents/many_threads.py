"""A parent with a hundred idle threads."""

import threading

stop = threading.Event()
for _ in range(100):
    threading.Thread(target=stop.wait, daemon=True).start()
