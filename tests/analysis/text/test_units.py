"""Numbers are shown to people in a unit that suits them, with the digits that their interval carries."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.text import units


@pytest.mark.parametrize(
    ("value", "lo", "hi", "text"),
    [
        (123_456.0, 122_900.0, 124_100.0, "123.5 µs (122.9 to 124.1)"),
        (123_456.0, 119_000.0, 124_100.0, "123 µs (119 to 124)"),
        (239_000.0, 200_000.0, 300_000.0, "240 µs (200 to 300)"),
        (41_200_000.0, 39_000_000.0, 53_000_000.0, "41 ms (39 to 53)"),
        (999.0, 998.0, 1001.0, "999 ns (998 to 1001)"),
        (13_107_200.0, 13_107_200.0, 13_107_200.0, "13.1 ms (13.1 to 13.1)"),
        (5_000.0, 1_000.0, 90_000.0, "5 µs (1 to 90)"),
        (162.0, None, None, "162 ns"),
        (1.5e9, math.nan, math.nan, "1.50 s"),
        (0.0, 0.0, 0.0, "0 ns (0 to 0)"),
        (math.nan, 1.0, 2.0, "–"),
        (None, None, None, "–"),
    ],
)
def test_a_time_has_the_digits_that_its_interval_carries(
    value: float | None, lo: float | None, hi: float | None, text: str
) -> None:
    """A time is written in its unit, rounded as its interval allows, and as a dash where it is missing."""
    assert units.time_text(value, lo, hi) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(4096, "4.00 KiB"), (64 << 20, "64.0 MiB"), (1 << 30, "1.00 GiB"), (12, "12.0 B"), (math.inf, "–")],
)
def test_memory_is_shown_in_binary_units(value: float, text: str) -> None:
    """Bytes are written with the prefix that leaves at least 1."""
    assert units.bytes_text(value) == text


def test_shares_and_ratios_keep_their_interval() -> None:
    """A share is a percentage and a ratio is bare, each with both ends of its interval."""
    assert units.percent_text(0.5437, 0.541, 0.548) == "54.4 % (54.1 to 54.8)"
    assert units.ratio_text(2.19, 2.18, 2.21) == "2.19 (2.18 to 2.21)"


@given(
    value=st.floats(1e-3, 1e13),
    below=st.floats(0, 1),
    above=st.floats(0, 1e3),
)
def test_what_is_shown_stays_close_to_what_was_measured(value: float, below: float, above: float) -> None:
    """Rounding moves a value by less than the width of its interval, or than one part in a hundred."""
    lo, hi = value * (1 - below), value * (1 + above)
    scale, _ = units.time_unit(value)
    shown = float(units.time_text(value, lo, hi).split()[0]) * scale
    assert abs(shown - value) <= max(hi - lo, 0.01 * value)


@pytest.mark.parametrize(("value", "text"), [(200_000.0, "200 µs"), (1e6, "1 ms"), (150.0, "150 ns"), (1e9, "1 s")])
def test_a_tick_says_no_digit_that_it_does_not_have(value: float, text: str) -> None:
    """The label of an axis has its unit and no trailing zeros."""
    assert units.tick_text(value, units.TIME_UNITS) == text
