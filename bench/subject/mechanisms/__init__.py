"""The ways to create and reap a child: each is one function here, marked with `mechanism`.

A mechanism ``make(subject)`` does what is needed once, and returns ``call()``. That creates and reaps
one child, and returns three values: when the creating API had returned, when the child's first
instruction ran (0: unknown), and the exit status. Times are of time.perf_counter_ns. A native
mechanism returns ``block(calls)`` instead, which stamps its calls itself.
"""


def mechanism(work, control="", needs=(), native=False):
    """Mark a function as a mechanism.

    `work` is what its child does. `control` is the native mechanism that does the same work with the
    least effort. `needs` are its requirements: ``control``, ``true``, ``sh``, an attribute like
    ``os.fork``, a start method like ``start:fork``, or a parent with ``parent:memory`` or ``parent:objects``.
    """

    def mark(make):
        make.work, make.control, make.needs, make.native = work, control, needs, native
        return make

    return mark


def exit_code(status):
    """The exit status in a wait status, or the negative number of the signal that ended the child."""
    return -(status & 0x7F) if status & 0x7F else status >> 8
