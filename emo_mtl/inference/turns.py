"""Several turns of a conversation on one line of text: `turn __eou__ turn`, DailyDialog's own mark.

Only in files and on the lines of fairseq's commands is it a mark: what a person types is text.
"""

from collections.abc import Iterable

MARK = "__eou__"


def split_turns(line: str) -> list[str]:
    """`"a __eou__ b"` -> `["a", "b"]`; a line without the mark is one turn, untouched."""
    if MARK not in line:
        return [line]
    turns = [turn.strip() for turn in line.split(MARK)]
    return [turn for turn in turns if turn] or [""]


def join_turns(turns: Iterable[str]) -> str:
    """`["a", "b"]` -> `"a __eou__ b"`."""
    return f" {MARK} ".join(turns)


def last_turn(line: str) -> str:
    """The utterance that is answered: `"a __eou__ b"` -> `"b"`."""
    return split_turns(line)[-1]
