"""Turns a user's file into the parent that its program leaves, or into a mechanism; what goes wrong there has its line.

Only parents that need it load this.
"""

import os
import sys

# What a user's program may have modules of the same names as.
OURS = ("loop", "mechanisms", "scenarios", "own_code", "_control")
_LONGEST_TEXT = 300
# The exit status of a subject whose program closed our pipes.
CLOSED = 71
# Folders that `load` put on the search path.
_added = []  # type: list[str]


class OwnCodeError(Exception):
    """A user's file failed. The text has the file, the line and its own message, and needs no more."""

    told = True


def pipe_check(*descriptors):
    """Return a function that ends this process where the files behind `descriptors` are no longer those of now.

    A program that closed our pipes cannot be told from, and what it opened instead must not be written to.
    """

    def identities():
        found = []
        for descriptor in descriptors:
            try:
                facts = os.fstat(descriptor)
                found.append((facts.st_dev, facts.st_ino))
            except OSError:
                found.append(None)
        return found

    before = identities()

    def check():
        if identities() != before:
            os._exit(CLOSED)

    return check


def told(error, path):
    """The error of the file at `path` in one line, as in ``server.py:12: ValueError: no such port``."""
    line, text = None, ""
    if isinstance(error, SyntaxError) and error.filename == path:
        line, text = error.lineno, error.msg
    else:
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == path:
                line = trace.tb_lineno
            trace = trace.tb_next
        try:
            text = str(error)
        except Exception:  # it is a user's class
            pass
    place = os.path.basename(path) + (":%d" % line if line else "")
    kind = type(error).__name__ + (": " + text if text else "")
    if isinstance(error, SystemExit):
        kind = "sys.exit(%s)%s" % (text, last_words())
    return " ".join(("%s: %s" % (place, kind)).split())[:_LONGEST_TEXT]


def last_words():
    """The last line on standard error, which says why a program called sys.exit; the controller made that a file."""
    try:
        sys.stderr.flush()
        size = os.fstat(2).st_size
        lines = os.pread(2, 2000, max(0, size - 2000)).decode(errors="replace").split("\n")
    except (OSError, ValueError, AttributeError):  # closed or replaced
        return ""
    lines = [line for line in lines if line.strip()]
    return ": " + lines[-1] if lines else ""


def run(path, hidden=()):
    """Run the file at `path` as ``python path`` would, and leave its main module in ``sys.modules``.

    It sees nothing of this suite: `hidden` are names of more modules of ours. No runpy: it and what it loads would
    stay in the parent. Raises `OwnCodeError`. A child that the program forked ends here: it is no second subject.
    """
    own_pid = os.getpid()
    full_path = os.path.abspath(path)
    away = _hide(hidden)
    main = _make_main(path, full_path)
    failure = ""
    try:
        with open(full_path, "rb") as stream:
            code = compile(stream.read(), full_path, "exec", dont_inherit=True)
        exec(code, main.__dict__)
    except SystemExit as error:
        if error.code not in (None, 0):
            failure = told(error, full_path)
    except BaseException as error:
        failure = told(error, full_path)
    if os.getpid() != own_pid:
        os._exit(1 if failure else 0)
    for name, module in away.items():
        sys.modules.setdefault(name, module)
    # Behind all others: a spawned child may need a module of ours.
    sys.path += [os.path.dirname(os.path.abspath(__file__)), *_added]
    if failure:
        raise OwnCodeError(failure)


def _hide(names):
    """Take our modules and folders away, and return the modules by name."""
    away = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in OURS + tuple(names)}
    folders = {os.path.dirname(os.path.abspath(__file__)), *_added}
    if "_control" in away:
        folders.add(os.path.dirname(away["_control"].__file__))
    for name in away:
        del sys.modules[name]
    sys.path[:] = [folder for folder in sys.path if folder not in folders]
    return away


def _make_main(path, full_path):
    """A main module, arguments and a search path as those of ``python path``."""
    loader = getattr(sys.modules["__main__"], "__loader__", None)
    main = type(sys)("__main__")
    main.__builtins__ = sys.modules["builtins"]
    main.__file__ = full_path
    main.__cached__ = None
    main.__annotations__ = {}
    if loader is not None:
        main.__loader__ = type(loader)("__main__", full_path)
    sys.modules["__main__"] = main
    sys.argv[:] = [path]
    if not getattr(sys.flags, "safe_path", False):  # PYTHONSAFEPATH, from 3.11 on
        sys.path.insert(0, os.path.dirname(os.path.realpath(full_path)))
    return main


def load(path, name):
    """Import the file at `path` and return its function `name`. Raises `OwnCodeError`.

    It becomes a module of its own name, from its own folder, so that a spawned child can import its functions.
    """
    path = os.path.abspath(path)
    base = os.path.basename(path)
    module_name = base[: -len(".py")]
    if os.path.dirname(path) not in sys.path:
        _added.append(os.path.dirname(path))
        sys.path.append(_added[-1])
    try:
        module = __import__(module_name)
    except BaseException as error:
        raise OwnCodeError(told(error, path)) from None
    found = getattr(module, "__file__", None)
    if not found or os.path.realpath(found) != os.path.realpath(path):
        raise OwnCodeError("%s: there is another module %s; rename the file" % (base, module_name))
    if not hasattr(module, name):
        raise OwnCodeError("%s: has no function %s" % (base, name))
    return getattr(module, name)
