"""Training pairs of which no emotion has more than some: frequent ones would drown what rare ones teach.

    python examples/emotions/balance.py DATA TASK OUT [--most 1500] [--seed 1]

DATA is what `emo-mtl prepare` made, TASK its emotion of the reply. OUT gets train.jsonl, valid.jsonl and
test.jsonl, a dialogue of two turns for each pair, the reply with its emotion; only `train` is thinned.
Prepare it with

    emo-mtl prepare --responses OUT --reply-labels TASK=emotion --bpe sentencepiece \\
      --sentencepiece-model DATA/spm.model --out-dir DATA-balanced
"""

import argparse
import json
import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from emo_mtl.errors import UserError
from emo_mtl.io import write_atomically
from emo_mtl.names import RESPONSE
from emo_mtl.preparation.corpus import SPLITS
from emo_mtl.preparation.splits import read_labelled, read_split


def at_most(labels: Sequence[str], most: int, seed: int) -> list[int]:
    """Positions of labels, from 0, in order: all of a rare label, `most` drawn by the seed of another."""
    positions = defaultdict(list)
    for position, label in enumerate(labels):
        positions[label].append(position)
    rng = random.Random(seed)
    return sorted(
        position
        for group in positions.values()
        for position in (group if len(group) <= most else rng.sample(group, most))
    )


def dialogue(utterance: str, reply: str, emotion: str) -> str:
    """A line of JSON."""
    turns = [{"text": utterance}, {"text": reply, "emotion": emotion}]
    return json.dumps({"turns": turns}, ensure_ascii=False) + "\n"


def main(argv: Sequence[str] | None = None) -> None:
    """Write OUT.

    Raises:
        UserError: no such task, no text beside the data, or a folder that exists already
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, metavar="DATA", help="that holds text/")
    parser.add_argument("task", metavar="TASK", help="the emotion of the reply")
    parser.add_argument("out", type=Path, metavar="OUT", help="a new folder")
    parser.add_argument(
        "--most", type=int, default=1500, help="of an emotion (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="of what is kept (default: %(default)s)"
    )
    args = parser.parse_args(argv)
    if args.out.exists():
        raise UserError(
            f"{args.out}: exists already, expected a new folder: remove it, or name another"
        )
    contents = {}
    for split in SPLITS:
        pairs = read_split(args.data, RESPONSE, split)
        emotions = read_labelled(args.data, args.task, split)
        rows = list(zip(pairs.utterances, pairs.answers, emotions.answers, strict=True))
        is_train = split == "train"
        kept = at_most(emotions.answers, args.most, args.seed) if is_train else range(len(rows))
        contents[split] = "".join(dialogue(*rows[i]) for i in kept)
    args.out.mkdir(parents=True)  # nothing is left of a run that failed
    for split, content in contents.items():
        write_atomically(args.out / f"{split}.jsonl", content)


if __name__ == "__main__":
    main()
