"""Turns one mechanism into timed blocks of calls, on request: the inside of the measured process.

The protocol uses only modules that a bare interpreter has loaded anyway. A request is a line `ROLE CALLS`, or
`ROLE CALLS BEGIN` to begin at that time, in ns. An answer is a line with the repr of a dict, then as many bytes as its
``bytes`` says: three native int64 for each call (total, call, ready, in ns since before the call; ready 0: unknown).
Settings come as arguments NAME=VALUE (see `bench.driver.launch.Settings`).
"""

import os
import sys
import time

# The exit status of a child that came back out of its mechanism. Its parent sees it in the very first call.
CAME_BACK = 70


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
        # What children do that run Python: the code of a new interpreter, and the function of a process (None: any).
        self.python_code, self.target = "pass", None
        # Builds the mechanism so that its children tell when they began; set by the scenario `phases`.
        self.tell, self.tell_program = None, settings.get("tell_program", "")
        # What scenarios made: mappings of memory, lists of Python objects, at-fork hooks, and the rest.
        self.memory, self.objects, self.hooks, self.kept = [], [], 0, []
        # Of this memory what holds private pages throughout: (mapping, first byte, bytes, what makes its
        # pages anew from these three where a write after a fork changes their kind, or None).
        self.written = []
        # Names of modules that are a user's mechanism.
        self.own_modules = []
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
    """Return the function that `entry_point`, ``module:name`` or ``FILE.py:name``, names."""
    module, _, name = entry_point.rpartition(":")
    if module.endswith(".py"):
        from own_code import load as load_own

        return load_own(module, name)
    return getattr(__import__(module, fromlist=[name]), name)


def build(make, subject):
    """Make the mechanism that `make` makes, and return it as ``block(calls) -> bytes-like``."""
    subject.after = None
    call_or_block = make(subject)
    return call_or_block if make.native else timed(call_or_block, subject.after)


def set_up(settings, scenarios, stage):
    """Bring this process into the state of its cell, and return it with its `blocks` by role.

    The scenarios come first, on any CPU, since it takes long to fill memory. `stage` is called before and after
    them: somebody may want to look at the process. The pin comes next: processes that the mechanism keeps (a
    server, a pool) have to inherit it. All of our functions are loaded before: a user's program may change where
    modules are found.
    """
    for folder in settings.get("module_path", "").split(os.pathsep):
        if folder:
            sys.path.append(folder)
    subject = Subject(settings)
    makes = {role: load(settings[role]) for role in ("mechanism", "control_mechanism") if settings.get(role)}
    subject.own_modules = [make.__module__ for make in makes.values()]
    applied = [(load(entry_point), level) for entry_point, level in scenarios]
    for apply, level in applied:
        if getattr(apply, "first", False):
            apply(subject, level)
    stage(subject)
    checks = [apply(subject, level) for apply, level in applied if not getattr(apply, "first", False)]
    stage(subject)
    if subject.cpu is not None:
        os.sched_setaffinity(0, {subject.cpu})
    for role, make in makes.items():
        built = subject.tell if subject.tell and role == "mechanism" else build
        subject.blocks[role.partition("_")[0]] = built(make, subject)
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
    """Move the controller's two pipes away from 0 and 1, where children would read and write them.

    They go high, where a program that closes or opens files leaves them alone; yet not above 63, where a process needs
    a larger table of files, which every fork copies (NR_OPEN_DEFAULT of Linux).
    """
    try:
        requests, answers = os.dup2(0, 62, False), os.dup2(1, 63, False)
    except OSError:  # RLIMIT_NOFILE is lower
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
    if getattr(error, "told", False):
        return str(error)
    return " ".join(("%s: %s" % (type(error).__name__, error)).split())


def leave(at_once=False):
    """End at once where no process or thread has to be stopped: an interpreter needs milliseconds to shut down.

    A user's program (`at_once`) may have threads that never end: nothing of it is waited for.
    """
    if at_once or ("multiprocessing" not in sys.modules and "concurrent.futures" not in sys.modules):
        os._exit(0)


def serve():
    """Set up, then answer one request after the other until the controller closes its pipe."""
    pid = os.getpid()
    requests, answers = take_over_pipes()
    words = [word.split("=", 1) for word in sys.argv[1:]]
    settings = dict(words)
    scenarios = [value.split("=", 1) for name, value in words if name == "scenario"]

    def stage(subject):
        """Let the controller look at this process from outside, and wait until it has."""
        check_pipes()
        if settings.get("verified"):
            send(answers, {"doses": told_doses(subject)})
            os.read(requests, 100)

    caught, check_pipes = Exception, bool
    if settings.get("program"):
        from own_code import pipe_check

        # A handler of the user's program may raise anything, at any place.
        caught, check_pipes = BaseException, pipe_check(requests, answers)
    try:
        answer_all(requests, answers, set_up(settings, scenarios, stage), pid)
    except caught as error:
        check_pipes()
        send(answers, {"error": one_line(error)})
        if settings.get("program") or os.getpid() != pid:
            os._exit(1)
    else:
        leave(bool(settings.get("program")))


def answer_all(requests, answers, subject, pid):
    """Answer requests until there are no more."""
    now = time.perf_counter_ns
    usage = usage_reader(subject.control)
    send(answers, {"modules": len(sys.modules)})
    while True:
        request = os.read(requests, 100)
        if not request:
            return
        role, calls, *begin = request.split()
        block = subject.blocks[role.decode()]
        if begin:  # others begin at the same time
            time.sleep(max(0, int(begin[0]) - now()) / 1e9)
        before = usage()
        begin = now()
        raw = block(int(calls))
        end = now()
        after = usage()
        if os.getpid() != pid:  # a child that forgot to end
            os._exit(CAME_BACK)
        send(answers, {"begin": begin, "end": end, "before": before, "after": after}, raw)
