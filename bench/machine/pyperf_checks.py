"""Turns pyperf's own checks of the system (``python -m pyperf system show``) into findings.

pyperf offers them as a command only, which prints, ends the process and asks the init system about services;
so its operations are asked one by one. They are no public interface: where they are not as known, that is said.
"""

from __future__ import annotations

from bench.machine.finding import Finding, note, ok

# Left out: IRQAffinity starts `systemctl` or `service`, which complain on the terminal where there is none;
# TurboBoostMSR reads a register of Intel's from a device that is hardly ever there.
OPERATIONS = (
    "ASLR",
    "CPUGovernor",
    "CPUFrequency",
    "TurboBoostIntelPstate",
    "CheckNOHZFullIntelPstate",
    "LinuxScheduler",
    "PerfEvent",
    "PowerSupply",
)
REMEDY = "sudo python -m pyperf system tune"


def findings() -> list[Finding]:
    """One finding for each of pyperf's operations that applies here; nothing is changed."""
    try:
        return _ask()
    except Exception as error:
        text = f"this version's checks of the system could not be asked ({type(error).__name__}: {error})"
        return [note("pyperf", text, "see them with: python -m pyperf system show")]


def _ask() -> list[Finding]:
    from pyperf import _system
    from pyperf._cpu_utils import get_logical_cpu_count

    system = _system.System()
    system.logical_cpu_count = get_logical_cpu_count()
    system.cpus = tuple(range(system.logical_cpu_count))
    found: list[Finding] = []
    for operation in system.operations:
        if type(operation).__name__ in OPERATIONS:
            for messages in (system.states, system.advices):
                messages.clear()
            operation.show()
            found += _finding(operation.name, system.states, system.advices)
    return found


def _finding(name: str, states: list[str], advices: list[str]) -> list[Finding]:
    """pyperf begins each message with the operation's name, which the finding has anyway."""
    said, advised = (
        ", ".join(message.removeprefix(f"{name}: ") for message in messages) for messages in (states, advices)
    )
    if advised:
        remedy = "connect it" if name == "Power supply" else advised if "kernel parameter" in advised else REMEDY
        return [note(f"pyperf, {name}", f"{said}; {advised}" if said and remedy is REMEDY else said or advised, remedy)]
    return [ok(f"pyperf, {name}", said)] if said else []
