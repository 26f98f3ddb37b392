"""Prints what a user's file says of its mechanism, as the repr of a dict.

The interpreter that will be measured runs this file by its path. The argument is FILE.py:function.
"""

import sys


def look(entry_point):
    """What `mechanism` was told of the function that `entry_point` names, or the error in one line."""
    if sys.version_info < (3, 8):  # our modules are no programs to it
        return {"too_old": "%d.%d" % sys.version_info[:2]}
    from loop import load, one_line

    try:
        make = load(entry_point)
    except Exception as error:
        return {"error": one_line(error)}
    if not hasattr(make, "work") or not hasattr(make, "native"):
        return {"undecorated": True}
    lines = (make.__doc__ or "").strip().splitlines()
    return {
        "work": make.work,
        "control": make.control,
        "needs": tuple(make.needs),
        "description": lines[0] if lines else "",
    }


if __name__ == "__main__":
    print("\n" + repr(look(sys.argv[1])))
