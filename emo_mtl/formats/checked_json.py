"""Values of a JSON file that somebody else may have written: what is not as expected is said in a line."""

import math
from typing import Any

from emo_mtl.errors import UserError

KINDS = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}
LARGEST = (
    1e15  # of a number: no score, count or weight is beyond; sums and squares of such are finite
)


def check(value: Any, kind: type, where: str, name: str = "") -> Any:
    """The value, if it is of a kind.

    Args:
        kind: one of `KINDS`; float takes whole numbers too, and neither takes NaN, infinity or true
        where: what a message begins with, such as the file's path
        name: of the value, for messages; none for the whole file

    Raises:
        UserError: it is of another kind
    """
    numeric = kind in (int, float)
    right = isinstance(value, (int, float) if kind is float else kind)
    if numeric and right:
        right = not isinstance(value, bool) and abs(value) <= LARGEST
    if not right:
        found = f"{name} {shown(value)}".lstrip()
        raise UserError(f"{where}: found {found}, expected {KINDS[kind]}; make it again")
    return value


def member(entry: Any, key: str, kind: type, where: str, **default: Any) -> Any:
    """A value of a JSON object; `default=...` is for a key that is missing or null.

    Raises:
        UserError: `entry` is no object, has no such key, or its value is not as :func:`check` wants it
    """
    value = check(entry, dict, where).get(key)
    if value is None:
        if default:
            return default["default"]
        raise UserError(f"{where}: found no {key!r}, expected {KINDS[kind]}; make it again")
    return check(value, kind, where, repr(key))


def members(entry: Any, key: str, kind: type, where: str) -> list:
    """A list of a JSON object whose values are all of a kind.

    Raises:
        UserError: as of :func:`member`, for the list and for each of its values
    """
    values = member(entry, key, list, where)
    return [check(value, kind, where, f"in {key!r}") for value in values]


def is_nan(value: Any) -> bool:
    """Whether a value is the `NaN` that Python writes, which JSON does not know."""
    return isinstance(value, float) and math.isnan(value)


def shown(value: Any) -> str:
    """A value in a message: in short, since a file can hold anything."""
    if isinstance(value, list | dict):
        return KINDS[type(value)]
    text = "null" if value is None else repr(value)
    return text if len(text) <= 60 else text[:60] + "..."
