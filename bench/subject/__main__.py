"""Stub of the measured process: hands over to `loop`, which answers the controller's requests.

Started by path, not with -m: runpy and what it imports would stay in the measured parent.
It stays this short because a main script is compiled at every start, and what that leaves
behind is the parent's memory too.
"""

from loop import serve

if __name__ == "__main__":
    serve()
