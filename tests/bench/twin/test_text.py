"""Holds the lines that people read, by hand: times, differences, and the table with a prediction."""

from __future__ import annotations

import pytest

from bench.schema import Role
from bench.schema.dose import Dose
from bench.twin.figures import Time, median_of
from bench.twin.prediction import Prediction
from bench.twin.text import differences, duration, table, what_it_has

MIB = 1 << 20


def _words(line: str) -> list[str]:
    return line.split()


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [(12.3, "12 ns"), (1234, "1.23 µs"), (999_400, "999 µs"), (1.5e6, "1.5 ms"), (2e9, "2 s"), (1.2e12, "1200 s")],
)
def test_a_time_has_three_digits_and_its_unit(nanoseconds: float, text: str) -> None:
    """The unit is the largest that leaves a number above 1."""
    assert duration(nanoseconds) == text


def test_the_interval_is_of_order_statistics() -> None:
    """Of 6 values it is all of them (96.9 %), of 12 the third from either end (96.1 %), and of 5 there is none."""
    assert median_of([5.0, 1.0, 2.0, 3.0, 4.0]) == Time(3.0, None, None, 5)
    assert median_of([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) == Time(3.5, 1.0, 6.0, 6)
    assert median_of([float(value) for value in range(1, 13)]) == Time(6.5, 3.0, 10.0, 12)


def test_only_more_than_two_percent_is_a_difference() -> None:
    """102 of 100 mappings are a twin, 103 are not; what is not known is not compared."""
    there = Dose(vmas=100, copied_bytes=50 * MIB, threads=1)
    assert differences(there, Dose(vmas=102, copied_bytes=51 * MIB), "there", "here") == []
    assert differences(there, Dose(vmas=103, copied_bytes=48 * MIB, threads=1), "there", "here") == [
        "memory that fork copies: 50.0 MiB there, 48.0 MiB here",
        "mappings: 100 there, 103 here",
    ]


def test_a_process_is_told_in_a_line() -> None:
    """Huge pages are named where there are some, and one of a kind is no plural."""
    assert what_it_has(Dose(copied_bytes=3 * MIB, huge_bytes=0, vmas=43, fds=1, threads=2)) == (
        "a fork copies 3.0 MiB, 43 mappings, 1 open file, 2 threads"
    )
    assert what_it_has(Dose(copied_bytes=8192, huge_bytes=4 * MIB, vmas=1, fds=0, threads=1)) == (
        "a fork copies 8 KiB and 4.0 MiB in huge pages, 1 mapping, 0 open files, 1 thread"
    )


def test_the_prediction_stands_beside_with_its_error() -> None:
    """2 ms measured and 2.2 ms expected are +10 %; a row without a prediction ends with the measurement."""
    times = {
        ("os_fork", Role.MECHANISM): Time(2e6, 1.9e6, 2.1e6, 9),
        ("os_fork", Role.CONTROL): Time(1e6, None, None, 3),
        ("posix_spawn", Role.MECHANISM): Time(5e5, 4e5, 6e5, 9),
    }
    _, fork, control, spawn = table(
        times, Prediction({"os_fork_ns": 2.2e6, "os_fork_lo_ns": 2e6, "os_fork_hi_ns": 2.5e6, "control_ns": 9e5})
    )
    assert fork.split() == _words("os.fork 2 ms (1.9 ms to 2.1 ms) 2.2 ms (2 ms to 2.5 ms): +10.0%")
    assert control.split() == _words("fork in C 1 ms (too few rounds: 3) 900 µs: -10.0%")
    assert spawn.endswith("500 µs (400 µs to 600 µs)")
    assert table(times, None)[1:] == table(times, Prediction(problem="none"))[1:]
