"""Turns one mechanism into timed blocks of calls, on request: the inside of the measured process.

The protocol uses only modules that a bare interpreter has loaded anyway. A request is a line `ROLE CALLS`.
`ROLE CALLS BEGIN` is to begin
at that time, in ns. An answer is a line with the repr of a dict, then as many bytes as its ``bytes`` says: three native
int64 for each call (total, call, ready, in ns since before the call; ready 0: unknown).
Settings come as arguments NAME=VALUE (see `bench.driver.launch.Settings`).
"""

import os
import sys
import time


class CallError(Exception):
    """A child was created, but did not do its work."""


class Subject:
    """What mechanisms and scenarios need to know about the process that they run in."""

    def __init__(self, settings):
        self.true_program = settings.get("true_program", "")
        self.python = sys.executable
        # The CPU to pin to; None: all that this process may use. The scenario may change it.
        self.cpu = int(settings["cpu"]) if settings.get("cpu") else None
        self.control = None
        self.blocks = {}
        # What scenarios made: mappings of memory, lists of Python objects, at-fork hooks, and the rest.
        self.memory, self.objects, self.hooks, self.kept = [], [], 0, []
        # How many workers a mechanism starts that starts several, and what each imports.
        self.workers, self.worker_imports = 1, ()
        # Called after every call, outside of the timed span; a mechanism may set it.
        self.after = None
        if settings.get("control_folder"):
            sys.path.insert(0, settings["control_folder"])
            import _control

            self.control = _control


def timed(call, after):
    """Return ``block(calls) -> bytearray`` that stamps each `call`, and runs `after` outside of the span.

    ``call()`` creates and reaps one child and returns (when the creating API had returned, when the
    child's first instruction ran or 0, the child's exit status), times in ns.
    """
    now = time.perf_counter_ns

    def block(calls):
        raw = bytearray(24 * calls)
        out = memoryview(raw).cast("q")
        for i in range(0, 3 * calls, 3):
            begin = now()
            called, ready, status = call()
            end = now()
            if status:
                raise CallError("the child ended with exit status %r" % (status,))
            out[i] = end - begin
            out[i + 1] = called - begin
            if ready:
                out[i + 2] = ready - begin
            if after is not None:
                after()
        return raw

    return block


def usage_reader(control):
    """Return a function that reads page faults, CPU times (ns) and switches: own, then reaped children's.

    With the control it is one call of C. Without it, the measured parent has to load `resource`. Its
    mappings make a fork a little slower, and the certificate shows that.
    """
    if control is not None:
        return control.usage
    try:
        from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
    except ImportError:  # Windows
        return lambda: None

    def usage():
        values = []
        for who in (RUSAGE_SELF, RUSAGE_CHILDREN):
            used = getrusage(who)
            values.append(used.ru_minflt + used.ru_majflt)
            values.append(int(used.ru_utime * 1e9))
            values.append(int(used.ru_stime * 1e9))
            values.append(used.ru_nvcsw + used.ru_nivcsw)
        return tuple(values)

    return usage


def load(entry_point):
    """Return the function that `entry_point`, ``module:name``, names."""
    module, _, name = entry_point.partition(":")
    return getattr(__import__(module, fromlist=[name]), name)


def build(entry_point, subject):
    """Make the mechanism that `entry_point` names, and return it as ``block(calls) -> bytes-like``."""
    make = load(entry_point)
    subject.after = None
    call_or_block = make(subject)
    return call_or_block if make.native else timed(call_or_block, subject.after)


def set_up(settings, scenarios, stage):
    """Bring this process into the state of its cell, and return it with its `blocks` by role.

    The scenarios come first, on any CPU, since it takes long to fill memory. `stage` is called before and after
    them: somebody may want to look at the process. The pin comes next: processes that the mechanism keeps (a
    server, a pool) have to inherit it.
    """
    for folder in settings.get("module_path", "").split(os.pathsep):
        if folder:
            sys.path.append(folder)
    subject = Subject(settings)
    applied = [(load(entry_point), level) for entry_point, level in scenarios]
    stage(subject)
    checks = [apply(subject, level) for apply, level in applied]
    stage(subject)
    if subject.cpu is not None:
        os.sched_setaffinity(0, {subject.cpu})
    subject.blocks["mechanism"] = build(settings["mechanism"], subject)
    if settings.get("control_mechanism"):
        subject.blocks["control"] = build(settings["control_mechanism"], subject)
    for check in checks:
        if check is not None:
            check()
    return subject


def told_doses(subject):
    """What only the process itself can tell of its state, by the columns of subjects.csv."""
    return {
        # A list of one item is two blocks of memory.
        "objects": sys.getallocatedblocks() // 2,
        "hooks": subject.hooks,
        # NAME=VALUE and a zero byte.
        "env_bytes": sum(len(name) + len(value) + 2 for name, value in os.environ.items()),
    }


def take_over_pipes():
    """Move the controller's two pipes away from 0 and 1, where children would read and write them."""
    requests, answers = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)
    return requests, answers


def send(answers, document, raw=b""):
    """Write one answer."""
    document["bytes"] = len(raw)
    rest = memoryview(repr(document).encode() + b"\n" + raw)
    while rest:
        rest = rest[os.write(answers, rest) :]


def one_line(error):
    """The error as one line of text."""
    return " ".join(("%s: %s" % (type(error).__name__, error)).split())


def leave():
    """End at once where no process or thread has to be stopped: an interpreter needs milliseconds to shut down."""
    if "multiprocessing" not in sys.modules and "concurrent.futures" not in sys.modules:
        os._exit(0)


def serve():
    """Set up, then answer one request after the other until the controller closes its pipe."""
    requests, answers = take_over_pipes()
    now = time.perf_counter_ns

    def stage(subject):
        """Let the controller look at this process from outside, and wait until it has."""
        if settings.get("verified"):
            send(answers, {"doses": told_doses(subject)})
            os.read(requests, 100)

    try:
        words = [word.split("=", 1) for word in sys.argv[1:]]
        settings = dict(words)
        scenarios = [value.split("=", 1) for name, value in words if name == "scenario"]
        subject = set_up(settings, scenarios, stage)
        usage = usage_reader(subject.control)
    except Exception as error:
        send(answers, {"error": one_line(error)})
        return
    send(answers, {"modules": len(sys.modules)})
    while True:
        request = os.read(requests, 100)
        if not request:
            leave()
            return
        role, calls, *begin = request.split()
        block = subject.blocks[role.decode()]
        try:
            if begin:  # others begin at the same time
                time.sleep(max(0, int(begin[0]) - now()) / 1e9)
            before = usage()
            begin = now()
            raw = block(int(calls))
            end = now()
            after = usage()
        except Exception as error:
            send(answers, {"error": one_line(error)})
            return
        send(answers, {"begin": begin, "end": end, "before": before, "after": after}, raw)
