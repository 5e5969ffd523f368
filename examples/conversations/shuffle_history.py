"""The control of a claim that a model uses what was said before: other dialogues' history for every pair.

    python examples/conversations/shuffle_history.py DATA OUT

DATA is what `emo-mtl prepare --context-turns N` made. OUT gets train.tsv, valid.tsv and test.tsv (context TAB
reply): the same pairs in the same order, in which the utterance and its reply stay, and the turns before the
utterance come from a pair of another dialogue that has as many of them. Prepare it with

    emo-mtl prepare --responses OUT --context-turns N --bpe sentencepiece \\
      --sentencepiece-model DATA/spm.model --out-dir DATA-shuffled

and train as on DATA. A model that only profits from longer inputs does as well on it.
"""

import random
import sys
from collections import defaultdict
from pathlib import Path

from emo_mtl.errors import UserError
from emo_mtl.inference.turns import join_turns, split_turns
from emo_mtl.io import write_atomically
from emo_mtl.names import RESPONSE
from emo_mtl.preparation.corpus import SPLITS
from emo_mtl.preparation.splits import read_split

TRIES = 1000  # of exchanging one history with another


def shuffled(contexts: list[list[str]], seed: int) -> list[list[str]]:
    """Contexts with the history of another dialogue, of as many turns.

    Two contexts are taken to be of one dialogue where their oldest turns are the same. Every history is given
    away once; one for which there is no other stays.

    Args:
        contexts: turns, the utterance last
        seed: of the order
    """
    generator = random.Random(seed)
    groups = defaultdict(list)
    for turns in contexts:
        if len(turns) > 1:
            groups[len(turns)].append(turns)
    given = {}
    for length, group in groups.items():
        donors = generator.sample(group, len(group))
        for i, turns in enumerate(group):
            for j in generator.choices(range(len(group)), k=TRIES):
                if donors[i][0] != turns[0]:
                    break
                if donors[j][0] != turns[0] and group[j][0] != donors[i][0]:
                    donors[i], donors[j] = donors[j], donors[i]
        given[length] = iter(donors)
    return [
        [*next(given[len(turns)])[:-1], turns[-1]] if len(turns) > 1 else turns
        for turns in contexts
    ]


def main(data: Path, out: Path) -> None:
    """Write the tables; say how many contexts keep a history, for lack of another."""
    out.mkdir(parents=True, exist_ok=True)
    for seed, split in enumerate(SPLITS, start=1):
        pairs = read_split(data, RESPONSE, split)
        contexts = [split_turns(line) for line in pairs.inputs]
        mixed = shuffled(contexts, seed)
        kept = sum(len(a) > 1 and a[0] == b[0] for a, b in zip(contexts, mixed, strict=True))
        lines = zip(map(join_turns, mixed), pairs.answers, strict=True)
        text = "".join(f"{context}\t{reply}\n" for context, reply in lines)
        write_atomically(out / f"{split}.tsv", text)
        print(f"{split}: {len(mixed):,} pairs, {kept:,} with the history that they had")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise UserError(f"found {len(sys.argv) - 1} arguments, expected DATA OUT: {__doc__}")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
