"""Text and tables as Markdown (GitHub's), in which names stay text: of systems, labels, parts, files."""

import re
from collections.abc import Iterable, Sequence

# What begins emphasis, code, a link, an image or an escape, what parts cells, and what ends a tag.
_SPECIAL = re.compile(r"[\\`*\[\]|~]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_HTML = re.compile(r"[&>]|<(?! )")  # `p < 0.05` begins no tag
_UNDERSCORES = re.compile(r"(?<![^\W_])_+|_+(?![^\W_])")  # within a word they are plain
_LINE_START = re.compile(r"^(\d{0,9})(#{1,6}|[-+.)])(?=\s|$)")  # a heading, an item of a list
_NOT_SHOWN = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029]+")  # line ends; what a terminal obeys


def text(value: object) -> str:
    """A text that is shown as it is, on one line: nothing in it is markup.

    Addresses stay as they are: GitHub makes them links that say where they lead.
    """
    shown = _NOT_SHOWN.sub(" ", str(value)).strip()
    shown = _SPECIAL.sub(r"\\\g<0>", shown)
    shown = _UNDERSCORES.sub(lambda match: r"\_" * len(match[0]), shown)
    shown = _HTML.sub(lambda match: _ENTITIES[match[0]], shown)
    return _LINE_START.sub(r"\1\\\2", shown)


def code(value: object) -> str:
    """A text as code."""
    shown = str(value)
    plain = re.fullmatch(r"[\w./+-]+", shown)  # between backticks no character can be escaped
    return f"`{shown}`" if plain else f"<code>{text(shown)}</code>"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], texts: int = 1) -> str:
    """A table of cells that are Markdown already: give names through :func:`text`.

    Args:
        texts: how many columns, from the left, hold text; the others hold numbers, aligned right
    """
    rule = ["---"] * texts + ["---:"] * (len(header) - texts)
    lines = [header, rule, *rows]
    return "\n".join(
        "|" + "".join(f" {cell} |" if cell else " |" for cell in line) for line in lines
    )
