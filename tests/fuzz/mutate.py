"""Turns a valid file and a dice into a file that is wrong somewhere, in its bytes or in its structure."""

from __future__ import annotations

import csv
import io
import json
from random import Random
from typing import Any

# JSON that Python would not write, or not so: it is put in as it stands.
_RAW = (
    "9" * 19,
    "9" * 400,
    "-" + "9" * 400,
    "9" * 5000,
    "1e999",
    "-1e999",
    "1e-400",
    "NaN",
    "Infinity",
    '"\\ud800"',
    '"a\\udfffb"',
    '"\\u0000"',
    "[" * 2000 + "]" * 2000,
    '{"a":' * 300 + "1" + "}" * 300,
    "-0",
    "0.5",
    "1e300",
    "",
    "]",
)
_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2,
    2**31,
    2**63 - 1,
    2**63,
    1.5,
    -0.0,
    1e8,
    1e-9,
    "",
    " ",
    "x",
    "a\nb",
    "a\n",
    "\x00",
    "\x1b[2J",
    "\u2028",
    "../..",
    "x" * 300,
    "x" * 70_000,
    "0001-01-01 00:00:00",
    "9999-12-31 23:59:59.999999",
    "second",
    "byte",
    [],
    [None],
    [1, 1.5],
    [[1, 1.5]],
    {},
    {"x": [1]},
    {"": None},
)
_FIELDS = (
    "",
    " ",
    "x",
    "-1",
    "-2",
    "0",
    "1",
    "1.5",
    "1e3",
    "1e400",
    "nan",
    "inf",
    "-inf",
    "9" * 19,
    "9" * 400,
    "9" * 5000,
    "1_000",
    "+1",
    "٣",
    '"',
    '""',
    '"a\nb"',
    '"1"',
    "a\0b",
    "1\0",
    "\r",
    "\ufeff",
    "True",
    "x" * 70_000,
    "native_fork",
    "mechanism",
    "ok",
    "1,2",
)
_BYTES = (
    b"\0",
    b"\xff",
    b"\xed\xa0\x80",
    b"\n",
    b"\r",
    b'"',
    b",",
    b"{",
    b"[",
    b"\\",
    b"9" * 400,
    b"\xef\xbb\xbf",
    b"-",
)


def mutate_bytes(dice: Random, content: bytes) -> bytes:
    """`content` with bytes changed, cut out, doubled or put in, up to four times."""
    for _ in range(dice.randint(1, 4)):
        begin = dice.randint(0, len(content))
        end = min(len(content), begin + dice.choice((1, 1, 2, 8, 64, 1000)))
        part = content[begin:end]
        new = dice.choice(
            (b"", part + part, dice.choice(_BYTES) + part, dice.choice(_BYTES), dice.randbytes(len(part)))
        )
        content = content[:begin] + new + content[end:]
        if dice.random() < 0.05:
            content = content[: dice.randint(0, len(content))]
    return content


def mutate_json(dice: Random, content: bytes) -> bytes:
    """JSON with up to three keys or entries changed, removed, doubled, renamed or put elsewhere."""
    data = json.loads(content)
    for _ in range(dice.randint(1, 3)):
        holder = _any_holder(dice, data)
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        if keys:
            _change(dice, holder, dice.choice(keys))
        elif isinstance(holder, list):
            holder.append(dice.choice(_VALUES))
        else:
            holder["new"] = dice.choice(_VALUES)
    text = json.dumps(data)
    for number, raw in enumerate(_RAW):
        text = text.replace(f'"raw {number}"', raw)
    return text.encode()


def _any_holder(dice: Random, data: Any) -> Any:
    """Some map or list in `data`, deep ones as likely as shallow ones."""
    while isinstance(data, dict | list):
        inner = [each for each in (data.values() if isinstance(data, dict) else data) if isinstance(each, dict | list)]
        if not inner or dice.random() < 0.3:
            return data
        data = dice.choice(inner)
    return {}


def _change(dice: Random, holder: Any, key: Any) -> None:
    what = dice.randrange(6)
    if what == 0:
        del holder[key]
    elif what == 1:
        holder[key] = f"raw {dice.randrange(len(_RAW))}"
    elif what == 2 and isinstance(holder, dict):
        holder[dice.choice(("", "x", "\ud800", "a\nb", f"{key}2"))] = holder.pop(key)
    elif what == 2:
        holder.append(holder[key])
    elif what == 3:
        others = list(holder.values()) if isinstance(holder, dict) else list(holder)
        holder[key] = dice.choice(others)
    else:
        holder[key] = json.loads(json.dumps(dice.choice(_VALUES)))


def mutate_csv(dice: Random, content: bytes) -> bytes:
    """A table with up to three fields, rows or columns changed, removed, doubled or put elsewhere."""
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    for _ in range(dice.randint(1, 3)):
        # The header is one of many lines, and where most can go wrong.
        number = 0 if dice.random() < 0.2 else dice.randrange(len(rows))
        row = rows[number]
        what = dice.randrange(7)
        if what == 0:
            rows.insert(dice.randint(0, len(rows)), list(row))
        elif what == 1 and len(rows) > 1:
            del rows[number]
        elif what == 2 and row:
            del row[dice.randrange(len(row))]
        elif what == 3:
            row.insert(dice.randint(0, len(row)), dice.choice(_FIELDS))
        elif row:
            row[dice.randrange(len(row))] = dice.choice(_FIELDS)
    if dice.random() < 0.5:
        return "\n".join([*map(",".join, rows), ""]).encode()
    text = io.StringIO()
    csv.writer(text, lineterminator=dice.choice(("\n", "\r\n"))).writerows(rows)
    return text.getvalue().encode()
