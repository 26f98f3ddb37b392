"""A parent with 300 MiB in one piece."""

kept = bytearray(300 << 20)
for place in range(0, len(kept), 4096):
    kept[place] = 1
