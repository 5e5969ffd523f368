"""ParlAI's numbered text, as PersonaChat has it: `1 utterance<TAB>response` a line.

The numbers begin at 1 in every dialogue. More columns (a reward, candidates) are not read, nor are lines of a
persona, such as `1 your persona: i like tea.`
"""

import re
from pathlib import Path

from emo_mtl.errors import UserError
from emo_mtl.io import text_lines
from emo_mtl.preparation.corpus import read_filled, shown
from emo_mtl.preparation.dialogues.dialogue import Dialogue, check_turns, make_turn

LINE = re.compile(r"(\d{1,9}) (.*)")
PERSONA = re.compile(r"(your|partner's) persona:")
SILENCE = "__SILENCE__"  # in place of an utterance: the other one begins
# A first line by which a file is recognised.
START = re.compile(r"1 ((your|partner's) persona:|[^\t]*\t)")


def read(path: Path) -> list[Dialogue]:
    """The dialogues of a file; both columns are turns.

    Raises:
        UserError: a line has no number or another than the next one, an utterance has the mark in it, or a
            dialogue has no turn
    """
    dialogues: list[Dialogue] = []
    starts: list[str] = []
    last = 0
    for line_number, line in enumerate(text_lines(read_filled(path)), start=1):
        where = f"{path}:{line_number}"
        number, rest = read_number(line, where, last)
        if number == 1:
            dialogues.append([])
            starts.append(where)
        if not PERSONA.match(rest):
            texts = [text for text in rest.split("\t")[:2] if text.strip() not in ("", SILENCE)]
            dialogues[-1] += [make_turn(text, where) for text in texts]
        last = number
    return [check_turns(*both) for both in zip(dialogues, starts, strict=True)]


def read_number(line: str, where: str, last: int) -> tuple[int, str]:
    """The number of a line and what follows it.

    Raises:
        UserError: no number, or neither 1 nor the one after `last`
    """
    found = LINE.fullmatch(line)
    if not found or int(found[1]) not in (1, last + 1):
        raise UserError.at(
            where,
            found=shown(line),
            expected="a line that begins with " + (f"1 or {last + 1}" if last else "1"),
            fix="number the lines of each dialogue from 1: 1 utterance<TAB>response",
        )
    return int(found[1]), found[2]
