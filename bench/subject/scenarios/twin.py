"""The state of a running process, built from a recipe: its mappings by kind and size, its threads and files.

A recipe is a text of lines (see `bench.twin.recipe`): ``threads N``, ``files N``, and ``map KIND COUNT SIZE RESIDENT
HUGE WRITTEN PIECES`` for so many equal mappings, in bytes. RESIDENT are in small pages, in PIECES stretches that are
spread over the mapping. HUGE are in huge pages. Of a file's pages, WRITTEN are private ones.
"""

import os

from . import scenario
from .memory import HUGE_PAGE, MADV_DONTFORK, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_POPULATE_READ, MADV_POPULATE_WRITE

# <linux/mman.h>
MADV_RANDOM = 1
MADV_SEQUENTIAL = 2
MADV_DONTDUMP = 16
# So much is mapped at once: with vm.overcommit_memory 0 the kernel refuses one mapping that is larger than all memory.
STRETCH = 1 << 30

OF_FILE, SHARED, UNFORKED = ("file", "file_private"), "shared", "unforked"


@scenario(
    placeholder="PROCESS", needs=("mmap.MAP_PRIVATE", "mmap.MADV_DONTNEED"), takes={"memory": 1}, by="bench twin --pid"
)
def twin(subject, level):
    """The mappings, threads and files of a running process; `python -m bench twin --pid PID` makes it."""
    import mmap  # also where nothing is mapped: it has mappings itself

    shapes, threads, files = _recipe(level)
    if threads:
        _start_threads(subject, threads)
    of_file = [shape for shape in shapes if shape[0] in OF_FILE]
    if of_file:
        _build(subject, _map_file(of_file), of_file)
    for shape in shapes:
        if shape[0] == SHARED:  # each is a file of the kernel
            _build(subject, mmap.mmap(-1, shape[1], flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS), [shape])
    anonymous = [shape for shape in shapes if shape[0] not in (*OF_FILE, SHARED)]
    for stretch in _stretches(anonymous):
        _build(subject, _map_anonymous(stretch), stretch)
    for _ in range(files):
        os.open(os.devnull, os.O_RDONLY)


def _recipe(level):
    """The mappings, one tuple each, and the numbers of threads and files."""
    path = os.path.join(os.environ.get("TMPDIR", "/tmp"), "twin-" + level)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        text = os.read(descriptor, os.fstat(descriptor).st_size).decode()
    finally:
        os.close(descriptor)
    shapes, more = [], {"threads": 0, "files": 0}
    for line in text.splitlines():
        words = line.split()
        if words[0] == "map":
            shapes += [(words[1], *map(int, words[3:]))] * int(words[2])
        else:
            more[words[0]] = int(words[1])
    return shapes, more["threads"], more["files"]


def _start_threads(subject, count):
    """So many threads that wait for a lock."""
    from _thread import allocate_lock, start_new_thread

    lock = allocate_lock()
    lock.acquire()
    subject.kept.append(lock)
    for _ in range(count):
        start_new_thread(lock.acquire, ())


def _stretches(shapes):
    """The mappings in groups that are mapped at once."""
    stretch, size = [], 0
    for shape in shapes:
        if stretch and size + shape[1] > STRETCH:
            yield stretch
            stretch, size = [], 0
        stretch.append(shape)
        size += shape[1]
    if stretch:
        yield stretch


def _map_anonymous(shapes):
    """One stretch of anonymous memory that does not join what is beside it.

    Where it did, all of its parts would share that mapping's `anon_vma`, and a fork would copy the untouched ones too.
    The price: the kernel does not account for such memory, which a fork of a writable mapping otherwise pays for (2000
    mappings without pages took 0.55 instead of 0.71 ms on a virtual AMD EPYC).
    """
    import mmap

    apart = getattr(mmap, "MAP_NORESERVE", 0x4000)  # in the module from 3.11 on; <asm-generic/mman-common.h>
    return mmap.mmap(-1, sum(shape[1] for shape in shapes), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | apart)


def _map_file(shapes):
    """One stretch of a new file without a name."""
    import mmap

    size = sum(shape[1] for shape in shapes)
    path = os.path.join(os.environ.get("TMPDIR", "/tmp"), "twinned-%d" % os.getpid())
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.unlink(path)
        os.truncate(descriptor, size)
        return mmap.mmap(descriptor, size, flags=mmap.MAP_PRIVATE)
    finally:
        os.close(descriptor)


def _build(subject, memory, shapes):
    """Split `memory` into mappings, and give each its pages."""
    subject.memory.append(memory)
    at, places = 0, []
    for number, shape in enumerate(shapes):
        places.append((at, shape))
        # Neighbours that differ in a flag stay apart. The first and the last one have foreign neighbours.
        if number % 2:
            memory.madvise(MADV_DONTDUMP, at, shape[1])
        if number == 0:
            memory.madvise(MADV_RANDOM, at, shape[1])
        elif number == len(shapes) - 1:
            memory.madvise(MADV_SEQUENTIAL, at, shape[1])
        at += shape[1]
    for at, (kind, size, resident, huge, written, pieces) in places:
        if kind == UNFORKED:
            memory.madvise(MADV_DONTFORK, at, size)
        elif kind == SHARED:
            _fill(memory, at, resident, MADV_POPULATE_WRITE)
        elif kind in OF_FILE:
            if size > resident:  # what is read ahead would be mapped too
                memory.madvise(MADV_RANDOM, at, size)
            _fill(memory, at, resident - written, MADV_POPULATE_READ)
            _fill(memory, at + resident - written, written, MADV_POPULATE_WRITE)
        elif huge:
            _fill_huge(memory, at, size, huge)
            # They lie anywhere in what is a huge page larger than they are.
            taken = huge + HUGE_PAGE
            _spread(memory, at + taken, size - taken, resident, pieces)
        elif resident:
            _advise(memory, MADV_NOHUGEPAGE, at, size)
            _spread(memory, at, size, resident, pieces)


def _fill_huge(memory, at, size, huge):
    """Write huge pages. The n multiples of their size behind a place lie in n whole ones that are ahead of n + 1."""
    memory.madvise(MADV_HUGEPAGE, at, size)
    for offset in range(HUGE_PAGE, huge + 1, HUGE_PAGE):
        memory[at + offset] = 1
    _advise(memory, MADV_NOHUGEPAGE, at, size)


def _spread(memory, at, size, resident, pieces):
    """Write `resident` bytes in so many pieces at equal distances."""
    import mmap

    pages, pieces = resident // mmap.PAGESIZE, max(pieces, 1)
    step = size // mmap.PAGESIZE // pieces
    for piece in range(pieces):
        begin, end = pages * piece // pieces, pages * (piece + 1) // pieces
        _fill(memory, at + step * piece * mmap.PAGESIZE, (end - begin) * mmap.PAGESIZE, MADV_POPULATE_WRITE)


def _fill(memory, at, size, advice):
    """Read or write every page of a part once."""
    import mmap

    if size and not _advise(memory, advice, at, size):
        for offset in range(at, at + size, mmap.PAGESIZE):
            if advice == MADV_POPULATE_WRITE:
                memory[offset] = 1
            else:
                memory[offset]


def _advise(memory, advice, at, size):
    """Whether the kernel took the advice."""
    try:
        memory.madvise(advice, at, size)
    except OSError:
        return False
    return True
