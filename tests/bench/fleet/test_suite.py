"""Holds what is sent to a host: the same bytes for the same files, no more than a run needs, the commit included."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.files.suite_commit import COMMIT_FILE, suite_commit
from bench.fleet.suite import IMPORTED, LOCK, pack, pack_wheels, part_of_lock
from tests import ROOT
from tests.bench.fleet.packed import unpack


def names(archive: bytes) -> list[str]:
    """The names in an archive."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return tar.getnames()


def checkout(folder: Path, commit: bool = True) -> Path:
    """A small checkout with a suite in it."""
    for name in ("bench/__init__.py", "bench/a.py", "bench/subject/control.c", "tests/test_a.py", "LICENSE"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / LOCK).write_text("rich==1 \\\n    --hash=sha256:00\n")
    if commit:
        git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.org"]
        for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "a"]):
            subprocess.run([*git, *words], check=True)
    return folder


def test_the_suite_is_what_a_run_needs(tmp_path: Path) -> None:
    """The archive of this checkout holds `bench`, its lock and the commit, nothing else, and is the same twice."""
    suite = pack(ROOT)
    found = names(suite.archive)
    assert {"bench/__main__.py", "bench/subject/control.c", "bench/fleet/job.py", LOCK, COMMIT_FILE} <= set(found)
    assert {name.partition("/")[0] for name in found} == {"bench", "LICENSE", LOCK, COMMIT_FILE}
    assert not [name for name in found if name.endswith((".pyc", ".so", "_tell"))]
    assert pack(ROOT) == suite


@pytest.mark.parametrize("commit", [True, False])
def test_a_change_makes_another_version(tmp_path: Path, commit: bool) -> None:
    """A file that was changed and not committed is sent as it is, under another version; without git it is the same."""
    root = checkout(tmp_path, commit)
    (root / "bench" / "notes.txt").write_text("a note beside the sources")
    before = pack(root)
    assert names(before.archive) == sorted(
        [COMMIT_FILE, "LICENSE", "bench/__init__.py", "bench/a.py", "bench/subject/control.c", LOCK]
    )
    (root / "bench" / "a.py").write_text("changed")
    after = pack(root)
    assert (after.version != before.version, b"changed" in after.archive) == (True, True)
    (root / "tests" / "test_a.py").write_text("changed")
    (root / "bench" / "__pycache__").mkdir()
    (root / "bench" / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"")
    assert pack(root).version == after.version


def test_only_what_git_keeps_is_sent(tmp_path: Path) -> None:
    """A source that lies in a checkout and is not part of it does not travel."""
    root = checkout(tmp_path)
    version = pack(root).version
    (root / "bench" / "scratch.py").write_text("")
    assert pack(root).version == version


def test_a_suite_that_was_sent_knows_its_commit(tmp_path: Path) -> None:
    """A run on a host records the commit of the checkout that the suite came from, even inside of another one."""
    root = checkout(tmp_path / "here")
    commit = suite_commit(root)
    assert commit
    (root / "bench" / "a.py").write_text("changed")
    sent = checkout(tmp_path / "there")
    unpack(pack(root).archive, sent)
    assert suite_commit(sent) == f"{commit}-dirty"


def test_the_lock_is_cut_down_to_what_is_imported() -> None:
    """What a host installs are the packages that `bench` imports and what these need, with their hashes."""
    part = part_of_lock((ROOT / LOCK).read_text(encoding="utf-8"), IMPORTED)
    assert {"pyperf==", "markdown-it-py==", "mdurl==", "pygments=="} <= {
        word.partition("==")[0] + "==" for word in part.split()
    }
    assert "pandas==" not in part
    assert part.count("--hash=sha256:") > 7


def test_wheels_are_packed_and_their_lack_is_one_line(tmp_path: Path) -> None:
    """A directory of wheels becomes an archive of them; one without, or none at all, is wrong usage."""
    with pytest.raises(UsageError, match=r"holds no wheel; fill it with: python -m bench\.fleet\.suite"):
        pack_wheels(tmp_path)
    with pytest.raises(UsageError, match="cannot be read"):
        pack_wheels(tmp_path / "nowhere")
    (tmp_path / "a-1-py3-none-any.whl").write_bytes(b"a")
    (tmp_path / "notes").write_bytes(b"b")
    assert names(pack_wheels(tmp_path)) == ["a-1-py3-none-any.whl"]
