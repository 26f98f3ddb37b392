"""A parent with 256 MiB in huge pages."""

import mmap

kept = mmap.mmap(-1, 256 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
kept.madvise(mmap.MADV_HUGEPAGE)
for place in range(0, len(kept), 4096):
    kept[place] = 1
