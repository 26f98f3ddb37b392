"""Every output of runs whose texts are hostile: letters only, nothing live, nothing calculated."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from analysis.__main__ import main
from analysis.read.run import load_run
from analysis.report.components import TEMPLATES
from analysis.report.write import context, environment
from analysis.summary.analysed_run import AnalysedRun
from analysis.summary.stored import summary_of
from analysis.text.formats import FORMATS
from tests.few_figures import few_figures
from tests.hostile_run import harmful, hostile_run
from tests.rendered import Elements, elements, rendered

Say = pytest.CaptureFixture[str]
FORMULA = ("=", "+", "-", "@")
COMPARISONS = ("between", "mechanism", "level", "python")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two hostile runs, the second slower; they are shared, so only read them."""
    folder = tmp_path_factory.mktemp("hostile")
    return [str(hostile_run(folder, f"2026112{day}T040000Z", factor)) for day, factor in ((4, 1.0), (5, 1.5))]


@pytest.fixture(scope="module")
def reported(runs: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the first run with its report; it is shared, so only read it."""
    run = shutil.copytree(runs[0], tmp_path_factory.mktemp("reported") / "run")
    assert main(["report", str(run)]) == 0
    return Path(run)


def nothing_live(page: Elements) -> None:
    """Assert that only the elements and attributes of the program are live on a page."""
    assert not {"b", "iframe"} & set(page.tags)
    for tag, attributes in page.found:
        assert not [name for name in attributes if name.startswith("on")], tag
        for place in (attributes.get("src"), attributes.get("href")):
            assert place is None or re.match(
                r"data:(,$|image/png;base64,[\w+/=]+$)|#|\.\./|\w+\.(svg|png|md)$", place
            ), place


def no_formula(text: str) -> list[dict[str, str]]:
    """The rows of CSV, asserted to be whole and to have no text that a spreadsheet would calculate."""
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows
    assert not [row for row in rows if None in row or None in row.values()]
    assert not [value for row in rows for value in row.values() if value.startswith(FORMULA)]
    return rows


def compared(kind: str, runs: list[str]) -> list[str]:
    """The arguments of a comparison between the runs, or within the first one."""
    return ["compare", *runs] if kind == "between" else ["compare", runs[0], "--by", kind]


def test_a_report_is_letters_and_nothing_in_it_is_live(reported: Path) -> None:
    """The page and the Markdown hold the program's elements alone, and all figures are there and well-formed."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in reported.rglob("*.[!gp]*") if path.suffix != ".gz"}
    made = {name: text for name, text in texts.items() if name.endswith((".md", ".html", ".svg"))}
    assert len(made) == 9
    assert not harmful(list(made.values()))
    page, script = made["index.html"], (TEMPLATES / "page.js").read_text(encoding="utf-8")
    assert page.count(f"<script>{script}</script>") == page.count("<script") == 1
    nothing_live(elements(page))
    nothing_live(rendered(made["report.md"]))
    assert "script" not in rendered(made["report.md"]).tags
    for name, text in made.items():
        if name.endswith(".svg"):
            ElementTree.fromstring(text)
    assert "onerror=alert(1)" in elements(made["index.html"]).text
    assert "onerror=alert(1)" in rendered(made["report.md"]).text


def test_a_block_of_code_of_the_report_holds_the_whole_command(reported: Path) -> None:
    """The command stands in one block of code, whatever it repeats."""
    page = rendered((reported / "report" / "report.md").read_text(encoding="utf-8"))
    assert page.tags.count("pre") == 1
    assert page.tags.count("h1") == 1


def test_the_summary_of_a_report_calculates_nothing(reported: Path) -> None:
    """The texts of summary.csv are marked where they would be formulas."""
    text = (reported / "summary.csv").read_text(encoding="utf-8")
    assert not harmful([text])
    assert {row["mechanism"][:3] for row in no_formula(text)} == {"os_", "sub", "'=m", "'-o"}


def test_names_beside_figures_of_an_older_summary_are_those_of_the_cells(reported: Path) -> None:
    """What is marked for spreadsheets in summary.csv has its own name where that file is read again."""
    run = load_run(reported)
    summary = summary_of(run)
    assert run.cells["python"].str.startswith("+").any()
    for name in ("python", "mechanism", "scenario", "level"):
        assert list(summary[name]) == list(run.cells[name])


@pytest.mark.parametrize("form", FORMATS)
def test_a_summary_is_harmless_in_every_format(runs: list[str], tmp_path: Path, form: str, capsys: Say) -> None:
    """Of one run and of several, no format lets a text be obeyed, rendered or calculated."""
    copies = [str(shutil.copytree(run, tmp_path / str(number))) for number, run in enumerate(runs)]
    for chosen in (copies[:1], copies):
        assert main(["summary", *chosen, "--format", form]) == 0
        harmless(form, *capsys.readouterr())


@pytest.mark.parametrize("form", ["github-action", "bencher", "markdown", "csv", "json"])
def test_an_export_is_harmless_in_every_format(runs: list[str], form: str, capsys: Say) -> None:
    """No format for other tools lets a text be obeyed, rendered or calculated."""
    assert main(["export", runs[0], "--format", form]) == 0
    harmless(form if form in FORMATS else "json", *capsys.readouterr())


@pytest.mark.parametrize("kind", COMPARISONS)
@pytest.mark.parametrize("form", FORMATS)
def test_a_comparison_is_harmless_in_every_format(runs: list[str], form: str, kind: str, capsys: Say) -> None:
    """Between runs and within one, no format and no note lets a text be obeyed, rendered or calculated."""
    assert main([*compared(kind, runs), "--format", form, "--fail-on-slower", "5"]) in (0, 1)
    harmless(form, *capsys.readouterr())


def harmless(form: str, out: str, err: str) -> None:
    """Assert that what was printed is harmless in its format."""
    assert "u202e" in out
    assert not harmful([out, err])
    if form == "markdown":
        nothing_live(rendered(out))
    elif form == "csv":
        no_formula(out)
    elif form == "json":
        json.loads(out)


# Names as long as these leave no room for the axes: the plot is ugly, and that is all.
@pytest.mark.filterwarnings("ignore:constrained_layout not applied")
@pytest.mark.parametrize("kind", COMPARISONS)
def test_a_forest_plot_is_well_formed(runs: list[str], tmp_path: Path, kind: str) -> None:
    """Names of cells and runs are drawn as letters, and dollars in them are no mathematics."""
    assert main([*compared(kind, runs), "--plot", str(tmp_path / "plot.svg")]) == 0
    text = (tmp_path / "plot.svg").read_text(encoding="utf-8")
    assert not harmful([text])
    ElementTree.fromstring(text)


def test_plots_of_several_runs_stay_in_their_folder(runs: list[str], tmp_path: Path, capsys: Say) -> None:
    """A name with slashes becomes part of a file's name, and every figure is well-formed."""
    out = tmp_path / "deep" / "out"
    with few_figures("mechanisms", "calls"):  # beside those across runs; a report of such a run has all
        assert main(["plot", *runs, "--out", str(out)]) == 0
    assert sorted(map(str, out.iterdir())) == sorted(capsys.readouterr().out.splitlines())
    for path in out.glob("*.svg"):
        assert not harmful([path.name, path.read_text(encoding="utf-8")])
        ElementTree.parse(path)


def test_an_export_can_be_made_of_a_hostile_run(reported: Path) -> None:
    """The file for pyperf is there beside the report."""
    assert (reported / "pyperf.json.gz").is_file()


@pytest.mark.parametrize("file", ["run.json", "cells.csv", "subjects.csv"])
def test_an_error_about_a_hostile_file_is_one_harmless_line(
    runs: list[str], tmp_path: Path, file: str, capsys: Say
) -> None:
    """What is wrong in a file is said without what is in it being obeyed."""
    run = Path(shutil.copytree(runs[0], tmp_path / "run"))
    if file == "run.json":
        document = json.loads((run / file).read_text())
        document["pythons"]["\x1b[2J\u202e\ud800"] = {"no": "\x1b[2J"}
        (run / file).write_text(json.dumps(document))
    else:
        with open(run / file, "a", encoding="utf-8") as stream:
            stream.write("\x1b[2J\u202e\x9b,\n")
    assert main(["summary", str(run)]) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert not harmful([said.out, said.err])


def test_no_command_leaves_its_block_of_code_in_a_report(fake_run: Path) -> None:
    """Even a command of several lines, which no run has, stands whole in one block."""
    shown = context(AnalysedRun(load_run(fake_run)), []) | {"command": "a\n```\n<b>live</b>"}
    page = rendered(environment().get_template("report.md.j2").render(shown))
    assert "b" not in page.tags
    assert "a\n```\n<b>live</b>" in page.text
