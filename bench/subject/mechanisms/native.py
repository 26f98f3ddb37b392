"""The controls: the least that C needs to create and reap a child of each kind."""

from . import mechanism


@mechanism("control", needs=("control",), native=True)
def native_fork(subject):
    """C: fork, _exit(0) in the child, waitpid."""
    return subject.control.fork


@mechanism("control", control="native_fork", needs=("control",), native=True)
def native_vfork(subject):
    """C: vfork, _exit(0) in the child, waitpid."""
    return subject.control.vfork


def _spawn(subject, *argv):
    spawn = subject.control.spawn
    words = tuple(word.encode() for word in argv)
    return lambda calls: spawn(calls, words)


@mechanism("control", needs=("control", "true"), native=True)
def native_spawn(subject):
    """C: posix_spawn of `true`, waitpid."""
    return _spawn(subject, subject.true_program)


@mechanism("control", needs=("control",), native=True)
def native_python(subject):
    """C: posix_spawn of a bare interpreter (-I -S -c pass), waitpid."""
    return _spawn(subject, subject.python, "-I", "-S", "-c", "pass")
