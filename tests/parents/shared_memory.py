"""A parent with shared memory and pipes."""

from multiprocessing import Pipe, shared_memory

kept = shared_memory.SharedMemory(create=True, size=64 << 20)
assert kept.buf is not None
kept.buf[:] = bytes(kept.size)
kept.unlink()
pipes = [Pipe() for _ in range(8)]
