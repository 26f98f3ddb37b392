"""Prints facts of an interpreter and the needs of mechanisms that it does not meet, as the repr of a dict.

The interpreter that will be measured runs this file by its path. The arguments are the needs to check.
"""

import sys


def missing(need):
    """Why this interpreter does not meet `need`, or an empty string."""
    if need.startswith("control:"):
        sys.path.insert(0, need[len("control:") :])
        try:
            import _control  # noqa: F401
        except ImportError as error:
            return "this Python cannot load the C control (%s)" % (" ".join(str(error).split()),)
        return ""
    if need.startswith("start:"):
        try:
            import multiprocessing
        except ImportError as error:
            return "this Python has no multiprocessing (%s)" % error
        method = need[len("start:") :]
        available = multiprocessing.get_all_start_methods()
        return "" if method in available else "this Python has no start method %s" % method
    module, _, name = need.partition(".")
    try:
        return "" if hasattr(__import__(module), name) else "this Python has no %s" % need
    except ImportError:
        return "this Python has no module %s" % module


def facts():
    """The facts of this interpreter that matter for starting processes; before 3.8 only its version."""
    import platform
    import sysconfig

    if sys.version_info < (3, 8):
        return {"version": platform.python_version()}

    get = sysconfig.get_config_var
    return {
        "version": platform.python_version(),
        "implementation": sys.implementation.name,
        "build": " ".join(platform.python_build()),
        "compiler": platform.python_compiler(),
        "executable": sys.executable,
        "shared_library": bool(get("Py_ENABLE_SHARED")),
        "debug": hasattr(sys, "gettotalrefcount"),
        "free_threaded": bool(get("Py_GIL_DISABLED")),
        "configure": get("CONFIG_ARGS") or "",
        "pointer_bits": 64 if sys.maxsize > 2**32 else 32,
    }


if __name__ == "__main__":
    answer = facts()
    needs = sys.argv[1:] if sys.version_info >= (3, 8) else []
    answer["missing"] = {need: reason for need in needs for reason in [missing(need)] if reason}
    print(repr(answer))
