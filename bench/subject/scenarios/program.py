"""A parent that is what a user's own program leaves."""

from . import scenario


@scenario(placeholder="FILE.py", first=True, alone=True)
def program(subject, level):
    """Your own program: FILE.py is run as `python FILE.py` would, and the parent is what it leaves."""
    from own_code import run

    run(level, subject.own_modules)
