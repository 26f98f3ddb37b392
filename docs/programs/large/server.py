"""A parent with 256 MiB in one piece, as a model or a cache has it: the kernel may use huge pages for it, if so set."""

MODEL = bytearray(256 << 20)
for position in range(0, len(MODEL), 4096):
    MODEL[position] = 1
