"""Turns a twin and a prediction into lines for people: what was measured beside what was expected, and what differs."""

from __future__ import annotations

from bench.schema import Role
from bench.schema.dose import Dose
from bench.twin.figures import Time, Times
from bench.twin.prediction import Prediction

# A twin is one, and a process unchanged, if each column is within this part.
TOLERANCE = 0.02
# Columns that decide what a fork costs, with what they are.
_COMPARED = {
    "copied_bytes": "memory that fork copies",
    "huge_bytes": "memory in huge pages",
    "pte_bytes": "page tables",
    "vmas": "mappings",
    "vmas_private": "mappings with private pages",
    "fds": "open files",
    "threads": "threads",
}
# Mechanism, role, what it is called here, and by a prediction.
_ROWS = (
    ("os_fork", Role.MECHANISM, "os.fork", "os_fork"),
    ("os_fork", Role.CONTROL, "  fork in C", "control"),
    ("posix_spawn", Role.MECHANISM, "os.posix_spawn", "posix_spawn"),
    ("posix_spawn", Role.CONTROL, "  posix_spawn in C", ""),
    ("subprocess_run", Role.MECHANISM, "subprocess.run", "subprocess_run"),
    ("subprocess_run", Role.CONTROL, "  posix_spawn in C", ""),
)


def table(times: Times, prediction: Prediction | None) -> list[str]:
    """The table: the twin's time with its interval, beside the prediction."""
    lines = [f"{'':<20} {'twin, measured':<34} predicted"]
    for mechanism, role, name, predicted in _ROWS:
        if measured := times.get((mechanism, role)):
            line = f"{name:<20} {_interval(measured):<34} {_predicted(predicted, measured, prediction)}"
            lines.append(line.rstrip())
    return lines


def differences(one: Dose, other: Dose, of: str, and_of: str) -> list[str]:
    """The columns in which two doses differ by more than `TOLERANCE`, a line each."""
    lines = []
    for column, what in _COMPARED.items():
        first, second = getattr(one, column), getattr(other, column)
        if first is None or second is None or abs(first - second) <= TOLERANCE * first:
            continue
        first, second = (_amount(column, value) for value in (first, second))
        lines.append(f"{what}: {first} {of}, {second} {and_of}")
    return lines


def what_it_has(dose: Dose) -> str:
    """What a process has that decides the cost of its fork, in a line."""
    parts = ["a fork copies " + _amount("copied_bytes", dose.copied_bytes)]
    if dose.huge_bytes:
        parts.append(f"and {_amount('huge_bytes', dose.huge_bytes)} in huge pages")
    counts = ((dose.vmas, "mapping"), (dose.fds, "open file"), (dose.threads, "thread"))
    return ", ".join([" ".join(parts), *(f"{count} {name}{'' if count == 1 else 's'}" for count, name in counts)])


def duration(nanoseconds: float) -> str:
    """A time with three digits and its unit."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if nanoseconds >= size:
            return (
                f"{nanoseconds / size:.3g} {unit}" if nanoseconds < 999.5 * size else f"{nanoseconds / size:.0f} {unit}"
            )
    return f"{nanoseconds:.0f} ns"


def _interval(time: Time) -> str:
    if time.lo_ns is None or time.hi_ns is None:
        return f"{duration(time.p50_ns)} (too few rounds: {time.rounds})"
    return f"{duration(time.p50_ns)} ({duration(time.lo_ns)} to {duration(time.hi_ns)})"


def _predicted(name: str, measured: Time, prediction: Prediction | None) -> str:
    """What was predicted under `name`, with its interval, and how far that is from the measured time."""
    expected = prediction.times if prediction else {}
    middle, lo, hi = (expected.get(f"{name}{end}_ns") for end in ("", "_lo", "_hi"))
    if middle is None:
        return ""
    interval = "" if lo is None or hi is None else f" ({duration(lo)} to {duration(hi)})"
    return f"{duration(middle)}{interval}: {middle / measured.p50_ns - 1:+.1%}"


def _amount(column: str, value: int | None) -> str:
    if value is None:
        return "?"
    if not column.endswith("_bytes"):
        return str(value)
    return f"{value / (1 << 20):.1f} MiB" if value >= 1 << 20 or not value else f"{value >> 10} KiB"
