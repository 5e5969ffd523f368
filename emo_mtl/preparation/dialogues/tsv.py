"""TSV: an utterance, a tab and its response a line.

The utterance may be several turns with `__eou__` between them, of which the response answers the last. A
first row `utterance<TAB>response`, or the like, is a header and left out. A table may be quoted, as pandas
and Excel write it.
"""

from pathlib import Path

from emo_mtl.errors import UserError
from emo_mtl.preparation.corpus import shown
from emo_mtl.preparation.custom import LABEL_NAMES, TEXT_NAMES, read_table
from emo_mtl.preparation.dialogues.dialogue import MARK, Dialogue, make_turn

# Names of the two columns in a header, in small letters.
UTTERANCE_NAMES = TEXT_NAMES | {
    *("source", "question", "context", "prompt", "query", "history", "utterances", "src", "q")
}
RESPONSE_NAMES = {"response", "responses", "reply", "replies", "target", "output", "answer"} | {
    *("answers", "completion", "tgt", "a")
}


def read(path: Path) -> list[Dialogue]:
    """The dialogues of a file, one a row.

    Raises:
        UserError: a row has not two columns, a text is empty, or the columns are swapped
    """
    rows = [(f"{path}:{line}", row) for line, row in read_table(path)]
    return [read_row(row, where) for where, row in without_header(rows)]


def without_header(rows: list[tuple[str, list[str]]]) -> list[tuple[str, list[str]]]:
    """The rows without their header, if they have one.

    Raises:
        UserError: a header of swapped columns or of labels, or one with nothing below
    """
    where, first = rows[0]
    names = [name.strip().lower() for name in first]
    if len(names) != 2:
        return rows
    if names[0] in RESPONSE_NAMES and names[1] in UTTERANCE_NAMES:
        raise UserError.at(
            where,
            found=f"a header of the columns {names[0]}, {names[1]}",
            expected="first the utterance, then the response",
            fix="swap the two columns",
        )
    if names[0] not in UTTERANCE_NAMES or names[1] not in RESPONSE_NAMES | LABEL_NAMES:
        return rows
    if names[1] not in RESPONSE_NAMES:
        raise UserError.at(
            where,
            found=f"a header of the columns {names[0]}, {names[1]}",
            expected="utterances and responses",
            fix="a table of texts and labels goes to emo-mtl prepare --custom NAME=FOLDER",
        )
    if len(rows) == 1:
        raise UserError.at(where, found="only a header", expected="pairs", fix="add pairs")
    print(f"{where}: left out as a header: {shown(first[0])}, {shown(first[1])}")
    return rows[1:]


def read_row(row: list[str], where: str) -> Dialogue:
    """The turns of a row, of which only the last is a response."""
    if len(row) != 2:
        raise UserError.at(
            where,
            found=f"{len(row)} tab-separated columns",
            expected="2: utterance<TAB>response",
            fix=f"write one utterance, one tab and one response; several turns before the response are "
            f"joined by {MARK}",
        )
    utterance, response = row
    turns = utterance.strip().removesuffix(MARK).split(MARK)
    return [
        *(make_turn(turn, where, is_response=False) for turn in turns),
        make_turn(response, where),
    ]
