"""Turns two short texts into a badge: a picture for a README, of a fixed form, without a request to anywhere."""

from __future__ import annotations

from xml.sax.saxutils import escape

from bench.schema.visible import visible

# White on each has a contrast of 4.5 or more (WCAG 2.1, 1.4.3).
GREEN, RED, GREY = "#1a7f37", "#cf222e", "#57606a"
_LABEL = "#24292f"
_HEIGHT, _EDGE = 20, 7
# Verdana at 11 px, as badges are set; `textLength` makes any other font fit.
_LETTER = 6.6


def badge(label: str, message: str, colour: str) -> str:
    """An SVG with `label` at the left and `message` on `colour` at the right; both are escaped, and read out."""
    left, right = (round(len(text) * _LETTER) + 2 * _EDGE for text in (label, message))
    said = escape(visible(f"{label}: {message}"), {'"': "&quot;"})
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{_HEIGHT}" role="img" '
        f'aria-label="{said}">\n<title>{said}</title>\n'
        f'<rect width="{left + right}" height="{_HEIGHT}" rx="3" fill="{_LABEL}"/>\n'
        f'<path fill="{colour}" d="M{left} 0h{right - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H{left}z"/>\n'
        '<g fill="#fff" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11">\n'
        f"{_text(label, 0, left)}{_text(message, left, right)}</g>\n</svg>\n"
    )


def _text(text: str, begin: int, width: int) -> str:
    length = f' textLength="{width - 2 * _EDGE}" lengthAdjust="spacingAndGlyphs"' if text else ""
    return f'<text x="{begin + _EDGE}" y="14"{length}>{escape(visible(text))}</text>\n'
