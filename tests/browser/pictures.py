"""Turns each kind of page into pictures for a person to look at: on a phone and wide, light and dark, and as paper.

python -m tests.browser.pictures OUT
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.browser import chromium, pages

WIDTHS = (360, 1280)
SCHEMES = ("light", "dark")


def main() -> int:
    """Write the pictures into OUT."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.pictures", description="Take pictures of all pages.")
    parser.add_argument("out", type=Path, metavar="OUT", help="a folder, made where it is not there")
    out: Path = parser.parse_args().out
    path = chromium.find()
    if path is None:
        parser.error(f"no browser here: none of {', '.join(chromium.NAMES)}")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        built = pages.make(Path(folder))
        places = {name: built.site / place for name, place in built.places().items()} | {"report": built.report}
        for picture in take(path, places, out):
            print(picture)
    return 0


def take(browser: str, places: dict[str, Path], out: Path) -> list[Path]:
    """Write pictures of the pages at `places`, named after them, into `out`; return their paths."""
    from playwright.sync_api import sync_playwright

    taken: list[Path] = []
    with (
        sync_playwright() as driver,
        driver.chromium.launch(executable_path=browser, args=chromium.arguments()) as started,
    ):
        page = started.new_page()
        for name, place in places.items():
            stem = name.replace(" ", "-")
            page.goto(place.as_uri())
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                for scheme in SCHEMES:
                    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
                    taken.append(out / f"{stem}-{width}-{scheme}.png")
                    page.screenshot(path=taken[-1], full_page=True)
            page.emulate_media(color_scheme="light")
            taken.append(out / f"{stem}.pdf")
            page.pdf(path=taken[-1], format="A4", margin=dict.fromkeys(("top", "right", "bottom", "left"), "1cm"))
    return taken


if __name__ == "__main__":
    sys.exit(main())
