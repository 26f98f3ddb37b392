"""The figures in the documents are those of the committed runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.documents.figures import DOCUMENTS, analysed, figure, renewed

RUN = "results/intel-xeon-2cpu-kvm-docker-4eb259/20261124T084933Z"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_figure_is_as_in_its_run(document: Path) -> None:
    """What stands between the comments of a figure is what the run says; the command of `figures` puts it right."""
    assert document.read_text(encoding="utf-8") == renewed(document)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("time os_fork", "246 µs"),
        ("interval os_fork parent=equal", "1.07 ms (1.05 to 1.09)"),
        ("control os_fork", "110 µs"),
        ("relative subprocess_run", "1.08"),
        ("faults os_fork", "28 + 54"),
        ("path subprocess_run", "vfork"),
    ],
)
def test_a_figure_is_that_of_its_cell(words: str, text: str) -> None:
    """Figures that stand in the report of the committed run."""
    assert figure(analysed(RUN), words.split()) == text


def test_an_altered_figure_is_put_right(tmp_path: Path) -> None:
    """A figure that says something else than its run is replaced; text around it stays."""
    document = tmp_path / "x.md"
    document.write_text(f"<!-- figures of {RUN} -->\nIt takes <!--=time os_fork-->1 s<!--/-->, 5 µs more.\n")
    assert renewed(document).endswith("It takes <!--=time os_fork-->246 µs<!--/-->, 5 µs more.\n")


def test_each_figure_is_of_the_run_named_last(tmp_path: Path) -> None:
    """A document may name several runs; a figure is that of the nearest one above it."""
    other = "results/amd-epyc-2cpu-kvm-docker-e95a3b/20261124T163404Z"
    document = tmp_path / "x.md"
    document.write_text(
        f"<!-- figures of {RUN} --> <!--=time os_fork--><!--/-->\n"
        f"<!-- figures of {other} --> <!--=time os_fork python=3.8.18--><!--/-->\n"
    )
    assert renewed(document) == (
        f"<!-- figures of {RUN} --> <!--=time os_fork-->246 µs<!--/-->\n"
        f"<!-- figures of {other} --> <!--=time os_fork python=3.8.18-->344 µs<!--/-->\n"
    )
