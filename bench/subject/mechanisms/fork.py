"""A copy of the parent that ends at once."""

from . import exit_code, mechanism


@mechanism("fork", control="native_fork", needs=("os.fork",))
def os_fork(subject):
    """os.fork, os._exit(0) in the child, os.waitpid."""
    from os import _exit, fork, waitpid
    from time import perf_counter_ns as now

    def call():
        pid = fork()
        if pid == 0:
            _exit(0)
        called = now()
        status = waitpid(pid, 0)[1]
        return called, 0, status and exit_code(status)

    return call
