"""Free text of a report: paths of the machine are cut to their last part."""

from __future__ import annotations

import pytest

from analysis.report import machine_sections


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no /bin/sh", "no /bin/sh"),
        ("/opt/py/bin/python: Permission denied", "…/python: Permission denied"),
        ("~/python3.9 and C:\\Users\\me\\py.exe", "…/python3.9 and …/py.exe"),
        ("1.5 ms/call, 3/4 of them", "1.5 ms/call, 3/4 of them"),
        ("read/write in /sys/kernel/mm", "read/write in /sys/kernel/mm"),
        ("two\nlines", "two lines"),
    ],
)
def test_paths_are_cut_and_other_slashes_are_not(text: str, shown: str) -> None:
    """Only what is a path of this machine is shortened; what all machines share stays readable."""
    assert machine_sections.nameless(text) == shown
