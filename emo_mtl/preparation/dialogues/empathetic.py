"""EmpatheticDialogues (Rashkin et al. 2019): a CSV file with an utterance a line.

Its columns are conv_id, utterance_idx, context, prompt, speaker_idx, utterance, selfeval, tags, and sometimes
a ninth. Commas in texts are written `_comma_` and quotes are plain: no field is quoted. Who opens a dialogue
is its speaker, who talks about a situation of the emotion `context`; only the listener's turns are responses,
and what they answer has the emotion as its label, as in published work.
`prompt` is the speaker's private description of it, which the listener does not see: it is not read.
"""

from itertools import groupby, zip_longest
from pathlib import Path
from typing import NamedTuple

from emo_mtl.errors import UserError
from emo_mtl.io import text_lines
from emo_mtl.preparation.corpus import read_filled, shown
from emo_mtl.preparation.dialogues.dialogue import Dialogue, make_turn

HEADER = "conv_id,utterance_idx,context,prompt,speaker_idx,utterance"  # what follows is not read
WIDTHS = (8, 9)
FIX = "restore the file from the original release, in which commas in texts are written _comma_"


class Row(NamedTuple):
    """An utterance as it stands in the file."""

    dialogue: str
    number: int
    emotion: str
    speaker: str
    text: str
    where: str


def read_row(line: str, where: str) -> Row:
    """The row of a line.

    Raises:
        UserError: too many or too few columns, or no number of the utterance
    """
    columns = line.split(",")
    if len(columns) not in WIDTHS:
        raise UserError.at(where, found=f"{len(columns)} columns", expected="8 or 9", fix=FIX)
    dialogue, number, emotion, _, speaker, text = columns[:6]
    if not number.isdecimal() or len(number) > 9:
        raise UserError.at(
            where, found=f"utterance_idx {shown(number)}", expected="a number", fix=FIX
        )
    return Row(dialogue, int(number), emotion, speaker, text.replace("_comma_", ","), where)


def read(path: Path) -> list[Dialogue]:
    """The dialogues of a file: the rows that follow each other with one conv_id, ordered by utterance_idx.

    Raises:
        UserError: another header, a line that is no row, or an utterance that is empty or has the mark in it
    """
    header, *lines = text_lines(read_filled(path))
    if not header.startswith(HEADER):
        raise UserError.at(
            f"{path}:1",
            found=shown(header),
            expected=f"the header {HEADER},...",
            fix=f"{FIX}; another table: write it as utterance<TAB>response into a .tsv file",
        )
    rows = [read_row(line, f"{path}:{number}") for number, line in enumerate(lines, start=2)]
    groups = groupby(rows, key=lambda row: row.dialogue)
    return [make_dialogue(sorted(group, key=lambda row: row.number)) for _, group in groups]


def make_dialogue(rows: list[Row]) -> Dialogue:
    """The dialogue of its rows in order; the emotion is a label of the speaker's turns that are answered."""
    opener = rows[0].speaker
    speakers = [row.speaker for row in rows]
    turns = []
    for row, following in zip_longest(rows, speakers[1:]):
        if row.speaker == opener:
            labels = {"emotion": row.emotion} if following not in (opener, None) else {}
            turns.append(make_turn(row.text, row.where, "speaker", labels, is_response=False))
        else:
            turns.append(make_turn(row.text, row.where, "listener"))
    return turns
