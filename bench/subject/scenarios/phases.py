"""Whether children tell when they began to run, for the phases of a call."""

from . import scenario


@scenario(levels=("told",), needs=("os.pwrite", "mmap.MAP_SHARED"))
def phases(subject, level):
    """told: children tell when their first instruction runs, which makes a call a little longer."""
    from telling import build

    subject.tell = build
