"""Holds how much memory a run may take: what the machine has free, less where a control group allows less."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.machine import memory
from bench.machine.memory import free_in_control_groups


def group(folder: Path, **files: str) -> None:
    """A control group's folder with these files; ``_`` in a name stands for the dot."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text + "\n")


def test_without_a_limit_the_groups_do_not_count(tmp_path: Path) -> None:
    """A group whose limit is ``max``, or none at all, leaves it to the machine."""
    assert free_in_control_groups(tmp_path, "0::/") is None
    group(tmp_path, memory__max="max", memory__current="5000")
    assert free_in_control_groups(tmp_path, "0::/") is None


def test_files_that_give_way_are_free(tmp_path: Path) -> None:
    """Of 1000 bytes 900 are used, 300 of them by files not used of late: 400 are left."""
    group(tmp_path, memory__max="1000", memory__current="900", memory__stat="anon 500\ninactive_file 300")
    assert free_in_control_groups(tmp_path, "0::/") == 400


def test_the_tightest_group_on_the_way_up_counts(tmp_path: Path) -> None:
    """The own group leaves 700, the one above it 50; nothing is ever less than 0."""
    group(tmp_path / "outer" / "inner", memory__max="1000", memory__current="300")
    group(tmp_path / "outer", memory__max="400", memory__current="350")
    assert free_in_control_groups(tmp_path, "0::/outer/inner") == 50
    group(tmp_path / "outer", memory__current="900")
    assert free_in_control_groups(tmp_path, "0::/outer/inner") == 0


def test_the_older_kind_of_groups_is_read(tmp_path: Path) -> None:
    """Version 1 has a folder for the controller and other names."""
    limits = {"memory__limit_in_bytes": "1000", "memory__usage_in_bytes": "800"}
    group(tmp_path / "memory" / "mine", **limits, memory__stat="total_inactive_file 10")
    assert free_in_control_groups(tmp_path, "3:memory:/mine") == 210


def test_the_smaller_of_machine_and_group_is_available(monkeypatch: pytest.MonkeyPatch) -> None:
    """With 100 bytes free in the group and more in the machine, 100 are available; with neither known, None."""
    monkeypatch.setattr(memory, "free_in_control_groups", lambda: 100)
    assert memory.available() == 100
    monkeypatch.setattr(memory, "free_in_control_groups", lambda: None)
    monkeypatch.setattr(memory, "read_numbers", lambda path: {})
    assert memory.available() is None
