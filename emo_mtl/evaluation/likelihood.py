"""How probable a model finds the gold responses: what can be compared where one reference says little.

In nats: natural logarithms. A response's nats do not depend on how it was cut into tokens, so that models of
different BPE compare; perplexities of tokens do not.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emo_mtl.errors import UserError
from emo_mtl.evaluation.bootstrap import interval, resample_means
from emo_mtl.evaluation.parts import PARTS_NOTE
from emo_mtl.evaluation.responses import read_responses
from emo_mtl.formats import markdown
from emo_mtl.formats.typed_json import Score
from emo_mtl.io import read_lines

_POSITIONAL = re.compile(r"P-(\d{1,18})\t(.*)")


@dataclass(frozen=True)
class Scored:
    """The gold responses of a subset: their text, and the nats of each, shape (N)."""

    texts: list[str]
    nats: NDArray[np.float64]


@dataclass(kw_only=True)
class Row:
    """One file and part of the subset; differences are to the first file, with 95 % intervals."""

    scores: str
    part: str
    replies: int
    words: int
    nats_per_reply: Score
    nats_per_word: Score
    difference: Score = math.nan  # nats per reply
    low: Score = math.nan
    high: Score = math.nan


@dataclass(kw_only=True)
class LikelihoodScores:
    """What `--json` of `emo-mtl likelihood` holds."""

    words: str  # what is counted as one
    seed: int
    rows: list[Row]


def read_scored(path: Path) -> Scored:
    """Read what `fairseq-generate --score-reference` printed.

    Its D- lines are the gold responses as the model was given them, the P- lines logarithms of base 2.

    Raises:
        UserError: the file cannot be read, is incomplete, or is of another command
    """
    texts = read_responses(path).hypotheses
    nats: dict[int, float] = {}
    for number, line in enumerate(read_lines(path), start=1):
        match = _POSITIONAL.match(line)
        if not match:
            continue
        try:
            bits = [float(score) for score in match[2].split()]
        except ValueError as error:
            raise UserError(f"{path}, line {number}: found no numbers, expected scores") from error
        if not all(map(math.isfinite, bits)) or any(score > 0 for score in bits):
            raise UserError(
                f"{path}, line {number}: found a score that is no logarithm of a probability"
            )
        nats[int(match[1])] = -math.log(2) * math.fsum(bits)
    if nats.keys() != set(range(len(texts))):
        raise UserError(
            f"{path}: found the scores of {len(nats):,} responses, expected {len(texts):,}: give what "
            "fairseq-generate --score-reference printed, whole"
        )
    return Scored(texts, np.array([nats[i] for i in range(len(texts))]))


def compare(
    systems: Mapping[str, Scored],
    words: Callable[[str], list[str]],
    parts: Mapping[str, Sequence[int]],
    seed: int,
) -> list[Row]:
    """Nats per reply and per word of each system, whole and in parts.

    Args:
        systems: by name; the first is what the others are compared with, reply by reply
        words: cuts a line into words
        parts: positions, from 0, of what each row is about
        seed: of the bootstrap

    Raises:
        UserError: systems that scored different responses
    """
    (first, *_) = systems.values()
    for name, system in systems.items():
        if system.texts != first.texts:
            raise UserError(
                f"{name}: found other responses than in {next(iter(systems))}: score the same subset, "
                "with the same --max-target-length"
            )
    counts = np.array([len(words(text)) for text in first.texts])
    less = np.stack([each.nats - first.nats for each in systems.values()], axis=1)  # N x systems
    # one draw of a part for all systems: it takes more time than what is computed of it
    resampled = {
        part: resample_means(less[list(ids)], seed)
        for part, ids in parts.items()
        if len(systems) > 1
    }
    rows = []
    for column, (name, system) in enumerate(systems.items()):
        for part, ids in parts.items():
            nats, total = system.nats[list(ids)], int(counts[list(ids)].sum())
            row = Row(
                scores=name,
                part=part,
                replies=len(nats),
                words=total,
                nats_per_reply=float(nats.mean()),
                nats_per_word=float(nats.sum() / max(1, total)),
            )
            if system is not first:
                found = interval(less[list(ids), column], resampled[part][:, column])
                row.difference, row.low, row.high = found.mean, found.low, found.high
            rows.append(row)
    return rows


def table(scores: LikelihoodScores) -> str:
    """Markdown: a line for each row, and what the columns mean."""
    header = [
        "scores",
        "part",
        "replies",
        "nats / reply",
        "nats / word",
        "against the first [95 %]",
    ]
    rows = [
        [
            markdown.text(row.scores),
            row.part,
            f"{row.replies:,}",
            f"{row.nats_per_reply:.3f}",
            f"{row.nats_per_word:.4f}",
            ""
            if math.isnan(row.difference)
            else f"{row.difference:+.3f} [{row.low:+.3f}, {row.high:+.3f}]",
        ]
        for row in scores.rows
    ]
    notes = [
        "nats: -ln of the probability of a gold response with its <s> and </s>; less is better",
        f"words: {scores.words}",
        "against the first: nats per reply; replies drawn with replacement, of both files together",
    ]
    if any(row.part != "all" for row in scores.rows):
        notes.append(PARTS_NOTE)
    return "\n".join([markdown.table(header, rows, texts=2), "", *notes])
