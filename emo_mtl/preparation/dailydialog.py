"""DailyDialog (Li et al. 2017) -> utterance and response pairs (task `response`).

Every two adjacent utterances of a dialogue are a pair, in file order; what was said before them stands in
front if asked for. One dialogue a line; each utterance, the last one too, ends in `__eou__`. The release's
own split is kept.
"""

from pathlib import Path

from emo_mtl.errors import UserError
from emo_mtl.io import text_lines
from emo_mtl.preparation.corpus import SPLITS, Dataset, Pairs, clean, read_filled
from emo_mtl.preparation.dialogues.dailydialog import utterances
from emo_mtl.preparation.dialogues.dialogue import Turn
from emo_mtl.preparation.examples import replies


def read_pairs(path: Path, turns: int = 1) -> Pairs:
    """Return the pairs of one file; a dialogue of n utterances gives n - 1.

    Args:
        path: the file
        turns: the most utterances in front of a response

    Raises:
        UserError: a line does not end in `__eou__`, an utterance is empty, or there is no pair.
    """
    pairs: Pairs = []
    for number, line in enumerate(text_lines(read_filled(path)), start=1):
        where = f"{path}:{number}"
        dialogue = [Turn(clean(text, where), where) for text in utterances(line, where)]
        pairs += replies(dialogue, turns)
    if not pairs:
        raise UserError.at(
            path, found="no dialogue of two utterances", expected="pairs", fix="add dialogues"
        )
    return pairs


def read(raw: Path, turns: int = 1) -> Dataset:
    """Read `raw/{train,validation,test}/dialogues_*.txt`.

    Args:
        raw: the folder
        turns: the most utterances in front of a response; the paper has one

    Raises:
        UserError: a file is missing or changed; see `read_pairs`.
    """
    files = tuple(raw / name / f"dialogues_{name}.txt" for name in ("train", "validation", "test"))
    return Dataset(
        name="DailyDialog",
        files=files,
        splits={split: read_pairs(file, turns) for split, file in zip(SPLITS, files, strict=True)},
        paper=(76052, 7069, 6740),
        title="Response",
    )
