"""What somebody calls a run becomes the directory of that run, or one line that says which there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.schema.run_names import RunNameError, find_run

OLD, NEW, LABELLED, OTHER = (
    "amd-2cpu-1a/20260101T000000Z",
    "amd-2cpu-1a/20260301T000000Z",
    "amd-2cpu-1a/20260301T000000Z-faster",
    "xeon-4cpu-2b/20260201T000000Z",
)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Four runs on two machines, and a folder that is none."""
    for name in (OLD, NEW, LABELLED, OTHER):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "run.json").write_text("{}")
    (tmp_path / "runs" / "xeon-4cpu-2b" / "20270101T000000Z").mkdir()
    return tmp_path / "runs"


@pytest.mark.parametrize(
    ("text", "run"),
    [
        ("latest", LABELLED),
        ("xeon/latest", OTHER),
        ("20260301T000000Z", NEW),
        ("20260301T000000Z-f", LABELLED),
        ("202602", OTHER),
        ("xeon", OTHER),
        ("amd/202601", OLD),
        (OLD, OLD),
    ],
)
def test_a_name_or_its_beginning_is_a_run(results: Path, text: str, run: str) -> None:
    """The newest run, a whole name and beginnings that only one run has are found, on a machine where one is named."""
    assert find_run(text, results) == results / run
    assert find_run(f"{results}/{text}", results) == results / run


def test_a_path_that_is_there_comes_first(results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies in the current directory is not searched for elsewhere, and what is like no run stays as it is."""
    (tmp_path / "latest").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_run("latest", results) == Path("latest")
    assert find_run("a/b/c/d", results) == Path("a/b/c/d")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("amd", f"amd: fits 3 runs; name one: {LABELLED}, {NEW}, {OLD}"),
        ("latset", "latset: no such run, the nearest is latest; `python -m analysis runs` lists them all"),
        (
            "xoen-4cpu-2b",
            f"xoen-4cpu-2b: no such run, the nearest is {OTHER}; `python -m analysis runs` lists them all",
        ),
        ("arm/latest", "arm/latest: no run under {results} of such a machine; make one first with: make bench"),
    ],
)
def test_what_does_not_name_one_run_is_answered_with_those_that_are(results: Path, text: str, said: str) -> None:
    """Several runs are listed, the newest first; a name that is none is answered with the nearest."""
    with pytest.raises(RunNameError) as error:
        find_run(text, results)
    assert str(error.value) == said.format(results=results)
