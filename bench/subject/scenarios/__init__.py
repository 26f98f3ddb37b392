"""The states of a parent or its surroundings: each is one function here, marked with `scenario`.

A scenario ``apply(subject, level)`` brings the process to `level` before the mechanism is made. It raises an
error where it cannot. What has to stay alive goes into ``subject.kept``. It may return a function that checks
the level again when the whole subject is set up.
"""


def scenario(
    levels=(),
    unit="",
    dose="",
    needs=(),
    takes=None,
    placeholder="",
    least=0,
    gives="",
    first=False,
    by="",
    alone=False,
):
    """Mark a function as a scenario.

    A level is one of `levels`, or a number of `unit`, or any text: `placeholder` says then what to write.
    `dose` is the column of subjects.csv that a level of a unit raises by as much. `needs` are attributes that the
    interpreter must have, like ``mmap.MAP_PRIVATE``. `takes` says how much of each limited resource one unit takes,
    by the names in `bench.plan.limits`. `least` is the smallest number of units. `gives` is what a parent has then that
    mechanisms may need: ``memory`` of private pages (`subject.written`) or ``objects``. What comes `first` is applied
    before all others, and is the state that they add to. `by` is the command that makes its levels, where nobody can
    write one. A parent that works when it is not asked to stays `alone`: no other is measured beside it.
    """

    def mark(apply):
        apply.levels, apply.unit, apply.dose, apply.needs = levels, unit, dose, needs
        apply.takes, apply.placeholder, apply.least = takes or {}, placeholder, least
        apply.gives, apply.first, apply.by, apply.alone = gives, first, by, alone
        return apply

    return mark
