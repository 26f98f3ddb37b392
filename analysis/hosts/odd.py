"""Turns what runs say of themselves and of their machines into the hosts that are not like the others, with reasons."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from analysis.hosts.load import Host
from analysis.text import units
from bench.schema import RunStatus

# As `bench check` has it: the share of the CPU time asked for that went to other guests, from which on it is said.
MOST_STEAL = 0.02
# CPUs that are busy beside what the run takes on other hosts: half a CPU is more than a system does by itself.
MOST_BUSY = 0.5
# A clock that fell by more than its governor's steps while one CPU was busy all the time.
LEAST_CLOCK = 0.85
# Times the width of the intervals of the others. Of 12 rounds, a width itself scatters by a third.
MOST_WIDTH = 3.0
# With fewer hosts nobody can say which of them are the others.
FEWEST = 3
_USED = ("user_ticks", "nice_ticks", "system_ticks", "irq_ticks", "softirq_ticks")


def odd_hosts(hosts: Sequence[Host]) -> dict[str, list[str]]:
    """The reasons for each host that is odd, by its name, in the order of `hosts`."""
    reasons: dict[str, list[str]] = {host.name: list(_by_itself(host)) for host in hosts}
    for compare in (_versions, _neighbours, _wide):
        for name, reason in compare(hosts):
            reasons[name].append(reason)
    return {name: found for name, found in reasons.items() if found}


def _by_itself(host: Host) -> Iterator[str]:
    document = host.document
    if document.status is RunStatus.PARTIAL:
        yield f"partial run: {document.rounds} complete rounds"
    certificate = document.certificate
    if certificate is None:
        yield "no certificate"
    elif failed := [check.name for check in certificate.checks if not check.passed]:
        yield f"certificate failed: {', '.join(failed)}"
    yield from (f"unfit: {text}" for text in document.unfit)
    if not document.control.available:
        yield f"no relative latency: {document.control.reason or 'there was no control'}"
    if errors := int(host.summary["errors"].sum()):
        yield f"{errors} subjects failed"
    yield from _state(document.before or {}, document.after or {})


def _state(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """What happened to the CPU between the two looks at the machine."""
    stopped = _grown(before, after, "throttled_periods")
    if stopped > 0:
        yield f"throttled: its cgroup stopped it in {stopped:.0f} periods (see its CPU limit)"
    clocks = [_number(state, "cpu_mhz") for state in (before, after)]
    if all(clocks) and clocks[1] < LEAST_CLOCK * clocks[0]:
        yield f"throttled: its clock fell from {clocks[0]:.0f} to {clocks[1]:.0f} MHz"
    stolen, used = _grown(before, after, "steal_ticks"), _used(before, after)
    if stolen > MOST_STEAL * (stolen + used) > 0:
        share = units.percent_text(round(stolen / (stolen + used), 3))
        yield f"a neighbour: {share} of the CPU time that it asked for went to other guests"


def _versions(hosts: Sequence[Host]) -> Iterator[tuple[str, str]]:
    """Suites, interpreters and options that most of the others do not have."""
    told: dict[str, Callable[[Host], str]] = {
        "suite": lambda host: " ".join(filter(None, (host.document.suite.version, host.document.suite.commit))),
        "Python": lambda host: ", ".join(host.document.pythons),
        "profile": lambda host: host.document.options.profile,
    }
    for what, tell in told.items():
        said = [tell(host) for host in hosts]
        usual, count = Counter(said).most_common(1)[0]
        for host, text in zip(hosts, said, strict=True):
            if text != usual and count > 1:
                yield host.name, f"another {what}: {text or 'unknown'}, most have {usual or 'an unknown one'}"


def _neighbours(hosts: Sequence[Host]) -> Iterator[tuple[str, str]]:
    """Hosts on which more CPUs were busy than the same run takes elsewhere."""
    busy = {host.name: _busy_cpus(host) for host in hosts}
    yield from (
        (name, f"a neighbour: {value - usual:.1f} CPUs more were busy than on the others")
        for name, value, usual in _beside(busy)
        if value > usual + MOST_BUSY
    )


def _wide(hosts: Sequence[Host]) -> Iterator[tuple[str, str]]:
    """Hosts whose rounds lie much farther apart, at the median of their cells."""
    widths = {host.name: _width(host) for host in hosts}
    yield from (
        (name, f"its rounds scatter: intervals {value / usual:.1f} times as wide as on the others")
        for name, value, usual in _beside(widths)
        if value > MOST_WIDTH * usual > 0
    )


def _beside(values: Mapping[str, float]) -> Iterator[tuple[str, float, float]]:
    """Name, value, and the median of all, for what is known of at least `FEWEST` hosts."""
    known = {name: value for name, value in values.items() if math.isfinite(value)}
    if len(known) >= FEWEST:
        usual = float(np.median(list(known.values())))
        yield from ((name, value, usual) for name, value in known.items())


def _busy_cpus(host: Host) -> float:
    before, after = host.document.before or {}, host.document.after or {}
    seconds = (host.document.wall_ns or 0) / 1e9
    ticks = _number(after, "ticks_per_s")
    return _used(before, after) / ticks / seconds if seconds and ticks else math.nan


def _width(host: Host) -> float:
    """Width of the intervals over their medians; of relative latency where there is one."""
    for name, low, high in (("rel_p50", "rel_lo", "rel_hi"), ("p50_ns", "p50_lo_ns", "p50_hi_ns")):
        widths = ((host.summary[high] - host.summary[low]) / host.summary[name]).dropna()
        if len(widths):
            return float(widths.median())
    return math.nan


def _used(before: Mapping[str, Any], after: Mapping[str, Any]) -> float:
    return sum(_grown(before, after, name) for name in _USED)


def _grown(before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> float:
    return max(0.0, _number(after, name) - _number(before, name)) if name in before and name in after else 0.0


def _number(state: Mapping[str, Any], name: str) -> float:
    value = state.get(name)
    return float(value) if isinstance(value, int | float) and units.known(value) else 0.0
