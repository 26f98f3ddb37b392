"""Stub of the measured process: it calls `loop`, which answers the controller's requests.

It is started by its path, not with -m: runpy and its imports would stay in the measured parent.
It is so short because Python compiles a main script at every start, and the compiler leaves
memory behind in the parent.
"""

import sys

if getattr(sys.flags, "safe_path", False):  # PYTHONSAFEPATH, which a user's program may have set
    sys.path.insert(0, __file__.rpartition("/")[0])

from loop import serve

if __name__ == "__main__":
    serve()
