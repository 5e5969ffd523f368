"""DailyDialog (Li et al. 2017) -> utterance and response pairs (task `response`).

Every two adjacent utterances of a dialogue are a pair, in file order. One dialogue a line; each
utterance, the last one too, ends in `__eou__`. The release's own split is kept.
"""

from itertools import pairwise
from pathlib import Path

from emo_mtl.errors import UserError
from emo_mtl.io import text_lines
from emo_mtl.preparation.corpus import SPLITS, Dataset, Pairs, clean, read_filled
from emo_mtl.preparation.dialogues.dailydialog import utterances


def read_pairs(path: Path) -> Pairs:
    """Return the pairs of one file; a dialogue of n utterances gives n - 1.

    Raises:
        UserError: a line does not end in `__eou__`, an utterance is empty, or there is no pair.
    """
    pairs: Pairs = []
    for number, line in enumerate(text_lines(read_filled(path)), start=1):
        where = f"{path}:{number}"
        texts = [clean(utterance, where) for utterance in utterances(line, where)]
        pairs += pairwise(texts)
    if not pairs:
        raise UserError.at(
            path, found="no dialogue of two utterances", expected="pairs", fix="add dialogues"
        )
    return pairs


def read(raw: Path) -> Dataset:
    """Read `raw/{train,validation,test}/dialogues_*.txt`.

    Raises:
        UserError: a file is missing or changed; see `read_pairs`.
    """
    files = tuple(raw / name / f"dialogues_{name}.txt" for name in ("train", "validation", "test"))
    return Dataset(
        name="DailyDialog",
        files=files,
        splits={split: read_pairs(file) for split, file in zip(SPLITS, files, strict=True)},
        paper=(76052, 7069, 6740),
        title="Response",
    )
