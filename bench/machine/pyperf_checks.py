"""Turns pyperf's own checks of the system (``python -m pyperf system show``) into findings.

pyperf offers them only as a command. It prints, ends the process, and asks the init system about services. So its
operations are called here one by one. They are no public interface: where they have changed, a finding says so.
"""

from __future__ import annotations

from bench.machine.finding import Finding, note, ok

# Left out: IRQAffinity starts `systemctl` or `service`, which print errors where there is no init system.
# TurboBoostMSR reads a register of Intel CPUs from a device that few systems have.
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


def run_checks() -> list[Finding]:
    """One finding for each of pyperf's operations that applies here; nothing is changed."""
    try:
        return _run_operations()
    except Exception as error:
        text = f"this version's checks of the system could not be asked ({type(error).__name__}: {error})"
        return [note("pyperf", text, "see them with: python -m pyperf system show")]


def _run_operations() -> list[Finding]:
    from pyperf import _system
    from pyperf._cpu_utils import get_logical_cpu_count

    system = _system.System()
    system.logical_cpu_count = get_logical_cpu_count()
    system.cpus = tuple(range(system.logical_cpu_count))
    findings: list[Finding] = []
    for operation in system.operations:
        if type(operation).__name__ in OPERATIONS:
            for messages in (system.states, system.advices):
                messages.clear()
            operation.show()
            findings += _finding(operation.name, system.states, system.advices)
    return findings


def _finding(name: str, states: list[str], advices: list[str]) -> list[Finding]:
    """One finding, or none. pyperf begins each message with the operation's name: that prefix is removed."""
    state, advice = (
        ", ".join(message.removeprefix(f"{name}: ") for message in messages) for messages in (states, advices)
    )
    if advice:
        remedy = "connect it" if name == "Power supply" else advice if "kernel parameter" in advice else REMEDY
        return [
            note(f"pyperf, {name}", f"{state}; {advice}" if state and remedy is REMEDY else state or advice, remedy)
        ]
    return [ok(f"pyperf, {name}", state)] if state else []
