"""Memory of a parent, by kind: in small pages, in huge ones, shared, of a file, never written, not for children.

All of it is mapped before the mechanism is made, and stays in ``subject.memory``.
"""

import os

from . import scenario

# <linux/mman.h>; the module mmap has these names only on some builds.
MADV_DONTNEED = 4
MADV_DONTFORK = 10
MADV_HUGEPAGE = 14
MADV_NOHUGEPAGE = 15
MADV_POPULATE_READ = 22  # Linux 5.14
MADV_POPULATE_WRITE = 23  # Linux 5.14

HUGE_PAGE = 2 << 20
# So much of the memory has to be in huge pages.
LEAST_HUGE = 0.98
# file_dirty writes one page of each so many bytes.
DIRTY_STEP = 64 << 10

_memory = scenario(unit="bytes", dose="copied_bytes", needs=("mmap.MAP_PRIVATE",), takes={"memory": 1})
_written = scenario(unit="bytes", dose="copied_bytes", needs=("mmap.MAP_PRIVATE",), takes={"memory": 1}, gives="memory")


def _mapped(size, flags, descriptor=-1):
    """A new mapping of `size` bytes in small pages, or None for size 0."""
    import mmap  # also at size 0, so that the levels differ only in size

    if size == 0:
        return None
    memory = mmap.mmap(descriptor, size, flags=flags)
    _advise(memory, MADV_NOHUGEPAGE)  # fails on a kernel without huge pages
    return memory


def _advise(memory, advice):
    """Whether the kernel took the advice."""
    try:
        memory.madvise(advice)
    except OSError:
        return False
    return True


def _write_all(memory):
    """Write every page once."""
    # The same in one system call, where the kernel has it.
    if not _advise(memory, MADV_POPULATE_WRITE):
        for offset in range(0, len(memory), 4096):
            memory[offset] = 1


def _read_all(memory):
    """Read every page once."""
    if not _advise(memory, MADV_POPULATE_READ):
        for offset in range(0, len(memory), 4096):
            memory[offset]


def _private(subject, level):
    import mmap

    memory = _mapped(int(level), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if memory is not None:
        _write_all(memory)
        subject.memory.append(memory)
    return memory


@_written
def rss(subject, level):
    """Private anonymous memory in 4 KiB pages, written once; huge pages are refused."""
    before = _huge_bytes()
    memory = _private(subject, level)
    if memory is not None:
        subject.written.append((memory, 0, int(level), None))
    huge = _huge_bytes() - before
    if huge > 0:
        raise RuntimeError("rss=%s: the kernel used huge pages for %d bytes" % (level, huge))


@scenario(
    unit="bytes",
    dose="huge_bytes",
    needs=("mmap.MAP_PRIVATE", "mmap.MADV_DONTNEED"),
    takes={"memory": 1},
    gives="memory",
)
def thp(subject, level):
    """Private anonymous memory in huge pages, written once; a whole number of them."""
    import mmap

    size = (int(level) + HUGE_PAGE - 1) // HUGE_PAGE * HUGE_PAGE
    if size == 0:
        return
    before = _huge_bytes()
    # One more, since a huge page lies at a multiple of its size.
    memory = mmap.mmap(-1, size + HUGE_PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    first = -_address(size + HUGE_PAGE) % HUGE_PAGE
    memory.madvise(MADV_HUGEPAGE, first, size)
    for offset in range(first, first + size, HUGE_PAGE):
        memory[offset] = 1
    subject.memory.append(memory)
    subject.written.append((memory, first, size, _make_huge_again))
    huge = _huge_bytes() - before
    if huge < LEAST_HUGE * size:
        raise RuntimeError("thp=%s: the kernel made huge pages for %d bytes only" % (level, huge))


def _make_huge_again(memory, first, size):
    """Give back what lies at `first`, and write it once more, so that it is in huge pages that nobody shares."""
    memory.madvise(MADV_DONTNEED, first, size)
    for offset in range(first, first + size, HUGE_PAGE):
        memory[offset] = 1
    huge = _huge_bytes()
    if huge < LEAST_HUGE * size:
        raise RuntimeError("the kernel made huge pages again for %d bytes only, of %d" % (huge, size))


@scenario(unit="bytes", dose="shared_bytes", needs=("mmap.MAP_SHARED",), takes={"memory": 1})
def shared(subject, level):
    """Anonymous memory shared with children, written once."""
    import mmap

    memory = _mapped(int(level), mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
    if memory is not None:
        _write_all(memory)
        subject.memory.append(memory)


def _of_file(subject, size):
    """A private mapping of a new file without a name, every page read once, or None for size 0."""
    import mmap

    path = os.path.join(os.environ.get("TMPDIR", "/tmp"), "mapped-%d-%d" % (os.getpid(), len(subject.memory)))
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.unlink(path)
        os.truncate(descriptor, size)
        memory = _mapped(size, mmap.MAP_PRIVATE, descriptor)
    finally:
        os.close(descriptor)
    if memory is not None:
        _read_all(memory)
        subject.memory.append(memory)
    return memory


@scenario(unit="bytes", dose="file_bytes", needs=("mmap.MAP_PRIVATE",), takes={"memory": 1})
def file_clean(subject, level):
    """A private mapping of a file, only read."""
    _of_file(subject, int(level))


@_memory
def file_dirty(subject, level):
    """A private mapping of a file, read, and one page in each 64 KiB written."""
    memory = _of_file(subject, int(level))
    for offset in range(0, int(level), DIRTY_STEP):
        memory[offset] = 1


@scenario(unit="bytes", dose="virtual_bytes", needs=("mmap.MAP_PRIVATE",), takes={"commit": 1})
def untouched(subject, level):
    """Private anonymous memory that was never written."""
    import mmap

    subject.memory.append(_mapped(int(level), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))


@scenario(unit="bytes", dose="unforked_bytes", needs=("mmap.MAP_PRIVATE", "mmap.MADV_DONTNEED"), takes={"memory": 1})
def dontfork(subject, level):
    """Private anonymous memory that children do not get (MADV_DONTFORK), written once."""
    memory = _private(subject, level)
    if memory is not None:
        memory.madvise(MADV_DONTFORK)


def _address(size):
    """Where the mapping of at least `size` bytes lies that is the smallest of that size. Linux only."""
    sizes = []
    with open("/proc/self/maps") as lines:
        for line in lines:
            first, last = (int(end, 16) for end in line.split(None, 1)[0].split("-"))
            if last - first >= size:
                sizes.append((last - first, last))
    # Neighbours of the same kind become one mapping, and a new one is placed below them.
    found, last = min(sizes)
    return last - found


def _huge_bytes():
    """Bytes of this process's anonymous memory in huge pages; 0 where /proc does not say."""
    try:
        with open("/proc/self/smaps_rollup") as lines:
            for line in lines:
                if line.startswith("AnonHugePages:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
