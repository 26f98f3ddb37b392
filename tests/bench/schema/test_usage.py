"""A word of a command line that means nothing is answered in one line, with the nearest that does."""

from __future__ import annotations

import pytest

from bench.schema.usage import OptionParser, near


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a", "--buget", "5"], "--buget: no such option, the nearest is --budget; --help shows them all"),
        (["a", "--xyz=1"], "--xyz: no such option; --help shows them all"),
        (["a", "b"], "b: not expected here; --help shows what is"),
        ([], "RUN: missing; --help shows how it is used"),
        (["a", "--budget"], "--budget: needs a value; --help shows of what kind"),
        (["a", "--budget", "much"], "--budget much: not a number"),
        (["a", "--rounds", "1.5"], "--rounds 1.5: not a whole number"),
        (["a", "--format", "tabel"], "--format tabel: no such choice, the nearest is table; there is table, csv"),
        (["a", "--format", "\x1b[0m"], "--format \\x1b[0m: no such choice; there is table, csv"),
    ],
)
def test_wrong_words_are_one_line(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line names the command, the word, and what there is; no usage text, and status 2."""
    parser = OptionParser("python -m bench run")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("--budget", type=float)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--format", choices=("table", "csv"))
    with pytest.raises(SystemExit) as end:
        parser.read(words)
    assert end.value.code == 2
    assert capsys.readouterr() == ("", f"bench run: error: {said}\n")


def test_only_a_name_that_is_like_it_is_the_nearest() -> None:
    """A mistyped letter or capitals do not hide a name; what is like none gets no answer that misleads."""
    names = ("os_fork", "os_spawn", "mp_fork")
    assert near("os_frok", names) == ", the nearest is os_fork"
    assert near("OS_FORK", names) == ", the nearest is os_fork"
    assert near("thread", names) == ""
