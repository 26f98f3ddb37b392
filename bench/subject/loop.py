"""Turns one mechanism into timed blocks of calls, on request: the inside of the measured process.

The protocol is made of what a bare interpreter has loaded anyway. A request is a line `ROLE CALLS`;
an answer is a line that holds the repr of a dict, then as many bytes as its ``bytes`` says: three
native int64 a call (total, call, ready, in ns since before the call; ready 0: cannot be told).
Settings come as arguments NAME=VALUE (see `Subject`).
"""

import os
import sys
import time


class CallError(Exception):
    """A child that was created did not do its work."""


class Subject:
    """What mechanisms and scenarios need to know of the process that they run in."""

    def __init__(self, settings):
        self.true = settings.get("true", "")
        self.python = sys.executable
        # The CPU to be pinned to, None: all that this process may use. The scenario may change it.
        self.cpu = int(settings["cpu"]) if settings.get("cpu") else None
        self.control = None
        self.blocks = {}
        # Called after every call, outside of the timed span; a mechanism may set it.
        self.after = None
        if settings.get("control"):
            sys.path.insert(0, settings["control"])
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

    With the control it is one call of C. Without it, `resource` has to be loaded into the measured
    parent; its mappings make a fork a little slower, which the certificate shows.
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


def load(where):
    """Return the function named by ``module:name``."""
    module, _, name = where.partition(":")
    return getattr(__import__(module, fromlist=[name]), name)


def build(where, subject):
    """Make the mechanism named by ``module:name`` and return it as ``block(calls) -> bytes-like``."""
    make = load(where)
    subject.after = None
    made = make(subject)
    return made if make.native else timed(made, subject.after)


def set_up(settings):
    """Bring this process into the state of its cell; return it with its `blocks` by role.

    The scenario comes first, on any CPU, since filling memory takes long; then the pin, which
    processes that the mechanism keeps (a server, a pool) are to inherit.
    """
    for folder in settings.get("path", "").split(os.pathsep):
        if folder:
            sys.path.append(folder)
    subject = Subject(settings)
    check = None
    if settings.get("scenario"):
        check = load(settings["scenario"])(subject, settings["level"])
    if subject.cpu is not None:
        os.sched_setaffinity(0, {subject.cpu})
    subject.blocks["mechanism"] = build(settings["mechanism"], subject)
    if settings.get("beside"):
        subject.blocks["control"] = build(settings["beside"], subject)
    if check is not None:
        check()
    return subject


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
    """End at once where no process or thread has to be told: tearing an interpreter down takes milliseconds."""
    if "multiprocessing" not in sys.modules and "concurrent.futures" not in sys.modules:
        os._exit(0)


def serve():
    """Set up, then answer one request after the other until the controller closes its end."""
    requests, answers = take_over_pipes()
    now = time.perf_counter_ns
    try:
        subject = set_up(dict(word.split("=", 1) for word in sys.argv[1:]))
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
        role, calls = request.split()
        block = subject.blocks[role.decode()]
        try:
            before = usage()
            begin = now()
            raw = block(int(calls))
            end = now()
            after = usage()
        except Exception as error:
            send(answers, {"error": one_line(error)})
            return
        send(answers, {"begin": begin, "end": end, "before": before, "after": after}, raw)
