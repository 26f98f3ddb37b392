"""Turns the pieces that all pages share into an environment of templates: tables, figures, their script and style."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from analysis.figures.marks import ROOT_CLASS, dark_style

TEMPLATES = Path(__file__).parent / "templates"
_STYLES = ("base.css", "components.css")
_CODE = re.compile(r"`([^`]*)`")
# An option breaks behind its hyphens, where a line is full, and is none then.
_OPTION = re.compile(r"(?<!\S)-\S+")
# A value and what stands behind it in brackets, each to be kept in one line.
_PIECES = re.compile(r" (?=\()|(?<=,) ")


def sources() -> list[Path]:
    """The files that the look of every page comes from: where one changes, pages have to be made again."""
    here = Path(__file__).parent
    return [
        *sorted(TEMPLATES.iterdir()),
        *(here / name for name in ("components.py", "inline_svg.py", "page_figure.py")),
    ]


def environment(own: Path) -> jinja2.Environment:
    """Templates of the folder `own` and, behind them, the shared ones; its style.css stands behind the shared style.

    An HTML template escapes what it is given, and a missing name is an error.
    """
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(list(dict.fromkeys([own, TEMPLATES]))),
        autoescape=lambda name: bool(name) and ".html" in str(name),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    script = (TEMPLATES / "page.js").read_text(encoding="utf-8")
    made.globals["css"] = Markup(styles(own / "style.css").rstrip())
    made.globals["script"] = Markup(script)
    made.globals["figure_class"] = ROOT_CLASS
    made.globals["policy"] = policy(script)
    made.filters.update({"html": html, "plain": plain, "pieces": pieces})
    return made


def styles(own: Path) -> str:
    """The style of a page: what all have, and behind it its own."""
    shared = [(TEMPLATES / name).read_text(encoding="utf-8") for name in _STYLES]
    return "".join([*shared, dark_style(), "\n", own.read_text(encoding="utf-8")])


def policy(script: str) -> str:
    """What a page may load (a Content-Security-Policy): nothing but itself, and its own `script` by its hash."""
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'"
    )


def html(text: str) -> Markup:
    """`text` escaped, with ``code`` elements for what stands between backticks."""
    return Markup(_CODE.sub(lambda match: _code(match[1]), str(escape(text))))


def code(text: str) -> Markup:
    """A ``code`` element with `text` escaped; no line ends inside of an option."""
    return Markup(_code(str(escape(text))))


def _code(escaped: str) -> str:
    kept = _OPTION.sub(r'<span class="whole">\g<0></span>', escaped)
    return f"<code>{kept}</code>"


def pieces(text: str) -> Markup:
    """`text` as `html` has it; a number, its interval and what follows a comma each stay in one line."""
    parts = _PIECES.split(text)
    if "`" in text or (len(parts) == 1 and not re.match(r"\d\S* \S+$", text)):
        return html(text)
    return Markup(" ").join(Markup('<span class="whole">{}</span>').format(html(part)) for part in parts)


def plain(text: str) -> str:
    """`text` without backticks."""
    return text.replace("`", "")
