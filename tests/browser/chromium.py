"""Turns the programs of this machine into the path of its Chromium; as a command, prints it, or ends with 1."""

from __future__ import annotations

import os
import shutil
import sys

# Debian; Ubuntu; the names under which Google's own build is installed.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """The path of a browser that Playwright drives; ``None``: there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def arguments() -> list[str]:
    """What it has to be started with: its sandbox needs a user that is not root, and refuses to start for root."""
    return ["--no-sandbox"] if os.geteuid() == 0 else []


def main() -> int:
    """Print where the browser is."""
    path = find()
    if path is not None:
        print(path)
    return path is None


if __name__ == "__main__":
    sys.exit(main())
