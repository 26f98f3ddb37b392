"""Turns nanoseconds, ratios and bytes into text for people, with no more digits than the interval carries.

Values stay in base units everywhere else; prefixes appear only here, when something is shown.
"""

from __future__ import annotations

import math
from typing import Any

TIME_UNITS = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns"))
BYTE_UNITS = ((2.0**40, "TiB"), (2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (1.0, "B"))
MISSING = "–"


def known(value: Any) -> bool:
    """Whether `value` is a finite number: not ``None``, not a missing value of pandas, not infinite."""
    try:
        return value is not None and math.isfinite(float(value))
    except (TypeError, ValueError):
        return False


def step_of(value: float, width: float) -> float:
    """The power of ten to round `value` to, if its interval is `width` wide.

    Two digits of the width if it begins with 1 or 2, else one (the rule of the Particle Data Group's
    reviews, section "Rounding"); for a width of nothing (below 0.0001 of `value`), three significant
    digits of `value`.
    """
    if width > 1e-4 * abs(value):
        exponent = math.floor(math.log10(width))
        return 10.0 ** (exponent - 1 if width < 3 * 10.0**exponent * (1 - 1e-9) else exponent)
    return 10.0 ** (math.floor(math.log10(abs(value))) - 2) if value else 1.0


def number(value: float, step: float) -> str:
    """`value` rounded to a multiple of `step` (a power of ten), with just the decimals that `step` needs."""
    decimals = max(0, -round(math.log10(step)))
    return f"{round(value / step) * step:.{decimals}f}"


def time_unit(value_ns: float) -> tuple[float, str]:
    """The unit (its nanoseconds, its name) in which `value_ns` is 1 or more; below 1 ns: ns."""
    return next(((size, name) for size, name in TIME_UNITS if abs(value_ns) >= size), TIME_UNITS[-1])


def with_interval(value: Any, lo: Any, hi: Any, scale: float = 1.0, unit: str = "") -> str:
    """``123.4 µs (122.9 to 124.1)``: all three in one unit, rounded alike; no interval: the value alone."""
    if not known(value):
        return MISSING
    shown, bounded = float(value) / scale, known(lo) and known(hi)
    # At most four digits: a narrower interval is that of rounding, or of nothing that varied. At least one.
    fine = step_of(shown, 0.0)
    step = min(max(step_of(shown, (float(hi) - float(lo)) / scale if bounded else 0.0), fine / 10), fine * 100)
    text = f"{number(shown, step)}{unit}"
    return f"{text} ({number(float(lo) / scale, step)} to {number(float(hi) / scale, step)})" if bounded else text


def time_text(value_ns: Any, lo_ns: Any = None, hi_ns: Any = None) -> str:
    """A time in the unit that suits it, with its interval where there is one."""
    if not known(value_ns):
        return MISSING
    scale, name = time_unit(float(value_ns))
    return with_interval(value_ns, lo_ns, hi_ns, scale, f" {name}")


def ratio_text(value: Any, lo: Any = None, hi: Any = None) -> str:
    """A ratio as ``1.84 (1.83 to 1.86)``."""
    return with_interval(value, lo, hi)


def percent_text(share: Any, lo: Any = None, hi: Any = None) -> str:
    """A share (0 to 1) as ``46 % (45 to 47)``."""
    return with_interval(share, lo, hi, 0.01, " %")


def count_text(count: Any, thing: str) -> str:
    """``1 call``, ``12,288 calls``."""
    return f"{int(count):,} {thing}{'' if int(count) == 1 else 's'}"


def bytes_text(value: Any, lo: Any = None, hi: Any = None) -> str:
    """An amount of memory in binary units, with its interval where there is one."""
    if not known(value):
        return MISSING
    scale, name = next(((size, name) for size, name in BYTE_UNITS if abs(float(value)) >= size), BYTE_UNITS[-1])
    return with_interval(value, lo, hi, scale, f" {name}")


def tick_text(value: float, units: tuple[tuple[float, str], ...]) -> str:
    """The label of an axis tick: ``200 µs``, ``1 GiB``; no digit that the tick does not have."""
    scale, name = next(((size, name) for size, name in units if abs(value) >= size * (1 - 1e-9)), units[-1])
    return f"{value / scale:.6g} {name}"
