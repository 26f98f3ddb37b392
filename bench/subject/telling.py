"""Turns a mechanism into blocks whose children tell when they began: what the scenario `phases` builds instead.

Descriptor 1, which every way to start a process hands on, becomes a file that this process has mapped. A child
writes the time at which it began to run into its first eight bytes. What tells does so before all else, and does
then what it does in other cells. Nothing of this is loaded in a cell without that scenario.
"""

import os
import sys
import time

# Only builtin modules: what a new interpreter has at hand without a search of the path.
_PYTHON_CODE = (
    "import time; t = time.perf_counter_ns(); import posix; posix.pwrite(1, t.to_bytes(8, %r), 0)" % sys.byteorder
)
_PAGE = 4096


def build(make, subject):
    """Make the mechanism that `make` makes with children that tell; return it as ``block(calls) -> bytes-like``.

    Raises what the mechanism raises. A child that cannot tell leaves its time unknown (0).
    """
    from tell_child import tell

    page = _page_at_descriptor_1()
    # The control, which is made next, keeps to children that do not tell.
    told = object.__new__(type(subject))
    told.__dict__.update(subject.__dict__)
    told.true_program = subject.tell_program or subject.true_program
    told.python_code, told.target, told.after, told.page = _PYTHON_CODE, tell, None, page
    block_or_call = _VARIANTS.get("%s:%s" % (make.__module__, make.__name__), make)(told)
    return _checked(block_or_call) if make.native else _timed(block_or_call, told.after, page)


def _page_at_descriptor_1():
    """The first eight bytes of a new file at descriptor 1, as a number that children share."""
    import mmap

    if hasattr(os, "memfd_create"):
        file = os.memfd_create("phases")
    else:
        path = os.path.join(os.environ.get("TMPDIR", "/tmp"), "phases-%d" % os.getpid())
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        os.unlink(path)
    os.truncate(file, _PAGE)
    os.lseek(file, _PAGE, os.SEEK_SET)  # what a child prints goes behind the stamp
    memory = mmap.mmap(file, _PAGE)
    os.dup2(file, 1)
    os.close(file)
    return memoryview(memory)[:8].cast("q")


def _timed(call, after, page):
    """As `loop.timed`, but the child's first instruction is read from `page`, outside of the timed span."""
    from loop import CallError

    now = time.perf_counter_ns

    def block(calls):
        raw = bytearray(24 * calls)
        out = memoryview(raw).cast("q")
        for i in range(0, 3 * calls, 3):
            page[0] = 0
            begin = now()
            called, ready, status = call()
            end = now()
            if status:
                raise CallError("the child ended with exit status %r" % (status,))
            ready = ready or page[0]
            out[i] = end - begin
            out[i + 1] = called - begin
            out[i + 2] = ready - begin if ready else 0
            _check(out[i + 2], out[i])
            if after is not None:
                after()
        return raw

    return block


def _checked(native):
    """A native block whose stamps are checked."""

    def block(calls):
        raw = native(calls)
        stamps = memoryview(raw).cast("q")
        for i in range(0, 3 * calls, 3):
            _check(stamps[i + 2], stamps[i])
        return raw

    return block


def _check(ready, total):
    """Something else than a time may have been written: that never becomes a figure."""
    if not 0 <= ready <= total:
        from loop import CallError

        raise CallError("a child told that it began %d ns after a call that took %d ns" % (ready, total))


def _os_fork(told):
    """As `os_fork`; the child stores the time before it ends."""
    from os import _exit, fork, waitpid
    from time import perf_counter_ns as now

    from mechanisms import exit_code

    page = told.page

    def call():
        pid = fork()
        if pid == 0:
            page[0] = now()
            _exit(0)
        called = now()
        status = waitpid(pid, 0)[1]
        return called, 0, status and exit_code(status)

    return call


def _popen_pipes(told):
    """As `popen_pipes`; the program writes the time into its standard output, which is a pipe."""
    from subprocess import PIPE, Popen
    from time import perf_counter_ns as now

    argv = [told.true_program]

    def call():
        child = Popen(argv, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        called = now()
        written = child.communicate()[0]
        ready = int.from_bytes(written, sys.byteorder) if len(written) == 8 else 0
        return called, ready, child.returncode

    return call


def _native_fork(told):
    """As `native_fork`; the child stores the time before it ends."""
    return lambda calls: told.control.fork(calls, 1)


def _native_spawn(told):
    """As `native_spawn`, of the program that tells."""
    words = (told.true_program.encode(),)
    return lambda calls: told.control.spawn(calls, words, 1)


def _native_python(told):
    """As `native_python`, with code that tells."""
    words = tuple(word.encode() for word in (told.python, "-I", "-S", "-c", told.python_code))
    return lambda calls: told.control.spawn(calls, words, 1)


# Those whose own function has no place for a stamp, by module and name. All others only run something that tells.
_VARIANTS = {
    "mechanisms.fork:os_fork": _os_fork,
    "mechanisms.program:popen_pipes": _popen_pipes,
    "mechanisms.native:native_fork": _native_fork,
    "mechanisms.native:native_spawn": _native_spawn,
    "mechanisms.native:native_python": _native_python,
}
