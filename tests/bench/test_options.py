"""Holds which options are refused before anything is touched, and what the others mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import UsageError
from bench.options import DEFAULT_BUDGET_S, MOST_PAIRS, Options, parse_pairs


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"budget_s": 0.0}, "--budget 0: "),
        ({"budget_s": -1.5}, "--budget -1.5: "),
        ({"budget_s": float("nan")}, "--budget nan: "),
        ({"budget_s": float("inf")}, "--budget inf: "),
        ({"rounds": 0}, "--rounds 0: "),
        ({"rounds": -3}, "--rounds -3: "),
        ({"block_ns": 99_999}, "--block-ms 0.099999: "),
        ({"cpu": "some"}, "--cpu some: "),
        ({"cpu": ""}, "--cpu : "),
        ({"cpu": "-1"}, "--cpu -1: "),
        ({"cpu": "²"}, "--cpu ²: "),
        ({"label": ""}, "--label '': "),
        ({"label": "../up"}, "--label '../up': "),
        ({"label": "a/b"}, "--label 'a/b': "),
        ({"label": "a\n"}, r"--label 'a\n': "),
        ({"label": "x" * 62}, "--label "),
        ({"machine": ".."}, "--machine '..': "),
        ({"machine": ".hidden"}, "--machine '.hidden': "),
    ],
)
def test_what_can_never_be_right_is_refused(changes: dict[str, Any], text: str) -> None:
    """The message names the option, its value, and what would be right."""
    with pytest.raises(UsageError) as caught:
        Options(Path("r"), **changes)
    assert str(caught.value).startswith(text)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=70))
def test_a_label_never_leaves_its_directory(text: str) -> None:
    """Whatever is accepted as a label or a machine is one plain name of a directory."""
    try:
        options = Options(Path("r"), label=text, machine=text)
    except UsageError:
        return
    assert options.label is not None
    assert Path("r", options.label).parts == ("r", options.label)
    assert options.label.isascii()
    assert not options.label.startswith((".", "-"))


@given(st.text(max_size=5))
def test_a_cpu_that_is_accepted_is_a_number(text: str) -> None:
    """``--cpu`` is auto, none, or what ``int`` reads."""
    try:
        Options(Path("r"), cpu=text)
    except UsageError:
        return
    assert text in ("auto", "none") or int(text) >= 0


@pytest.mark.parametrize("profile", DEFAULT_BUDGET_S)
def test_each_profile_has_its_budget(profile: str) -> None:
    """The profile's budget holds unless another is given."""
    assert Options(Path("r"), profile=profile).budget == DEFAULT_BUDGET_S[profile]
    assert Options(Path("r"), profile=profile, budget_s=7.5).budget == 7.5


@pytest.mark.parametrize(
    "text", ["", "4", "4,", ",2", "0,1", "1,0", "4,2,1", f"{MOST_PAIRS + 1},1", "a,b", "-1,2", "1 ,2"]
)
def test_pairs_that_are_none_are_refused(text: str) -> None:
    """Two numbers between 1 and the most that the schedule shuffles, or a message that says so."""
    with pytest.raises(UsageError, match=f"1 to {MOST_PAIRS}"):
        parse_pairs(text)


def test_pairs_are_core_and_others() -> None:
    """The first number is the core's, the second that of all others."""
    assert parse_pairs("8,1") == (8, 1)
