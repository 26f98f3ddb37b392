"""A parent with two thousand mappings, half of them written."""

import mmap

PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
# Read-only ones between those that are written: no two become one mapping.
kept = [mmap.mmap(-1, 8192, PRIVATE, mmap.PROT_READ | (mmap.PROT_WRITE if n % 2 else 0)) for n in range(2000)]
for one in kept[1::2]:
    one[0] = 1
