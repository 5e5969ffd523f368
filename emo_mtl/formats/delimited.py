"""Values in the lines of CSV and TSV files, so that text stays text."""

import re
from collections.abc import Sequence

FORMULA_STARTS = "=+-@\t\r\n"  # spreadsheets take a cell that begins so for a formula
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_CHARACTERS = {escape: character for character, escape in _ESCAPES.items()}


def csv_cell(value: object) -> object:
    """A value for a CSV file: a text on one line, and with a `'` before it where a spreadsheet would run it.

    Numbers stay as they are.
    """
    if not isinstance(value, str) or not value:
        return value
    line = re.sub(r"[\r\n]+", " ", value)
    return f"'{line}" if value[0] in FORMULA_STARTS else line


def tsv_line(cells: Sequence[str]) -> str:
    """Cells with tabs between; within a cell a tab, line end or backslash is written as in Python."""
    return "\t".join(
        re.sub(r"[\\\t\n\r]", lambda found: _ESCAPES[found[0]], cell) for cell in cells
    )


def tsv_cells(line: str) -> list[str]:
    """The cells that :func:`tsv_line` was given."""
    return [
        re.sub(r"\\[\\tnr]", lambda found: _CHARACTERS[found[0]], cell) for cell in line.split("\t")
    ]
