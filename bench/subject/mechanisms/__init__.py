"""The ways to create and reap a child: each is one function here, marked with `mechanism`.

A mechanism ``make(subject)`` does all that needs doing once and returns ``call()``, which creates and
reaps one child and returns (when the creating API had returned, when the child's first instruction
ran or 0 where that cannot be told, exit status); times are of time.perf_counter_ns. A native one
returns ``block(calls)`` instead, which stamps its calls itself.
"""


def mechanism(work, control="", needs=(), native=False):
    """Mark a function as a mechanism.

    `work` is what its child does, `control` the native mechanism that does the same with the least
    effort, `needs` what must be there: ``control``, ``true``, ``sh``, an attribute like ``os.fork``,
    or a start method like ``start:fork``.
    """

    def mark(make):
        make.work, make.control, make.needs, make.native = work, control, needs, native
        return make

    return mark


def exit_code(status):
    """The exit status that a wait status holds; the negative signal number if a signal ended the child."""
    return -(status & 0x7F) if status & 0x7F else status >> 8
