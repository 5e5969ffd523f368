"""The test set with a wrong emotion for each reply: one that is not its own, all others equally likely.

    python examples/emotions/wrong_emotion.py DATA TASK OUT [--seed 1]

TASK is that of --emotion-task. `fairseq-generate OUT/data-bin --score-reference --emotion gold` then scores
the gold replies with the wrong emotions.
"""

import argparse
import random
from collections.abc import Sequence
from pathlib import Path

from fairseq.data import Dictionary

from emo_mtl.data.dictionaries import load_labels
from emo_mtl.errors import UserError
from emo_mtl.names import RESPONSE
from emo_mtl.preparation.binarize import write_column
from emo_mtl.preparation.splits import read_labelled


def wrong(own: Sequence[str], labels: Sequence[str], seed: int) -> list[str]:
    """A label for each of N replies that is not its own.

    Args:
        own: N labels
        labels: to draw from
    """
    rng = random.Random(seed)
    return [rng.choice([label for label in labels if label != it]) for it in own]


def main(argv: Sequence[str] | None = None) -> None:
    """Write OUT; the texts are links to those of DATA.

    Raises:
        UserError: no such task, or a folder that exists already
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("task", metavar="TASK")
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument(
        "--seed", type=int, default=1, help="of the emotions (default: %(default)s)"
    )
    args = parser.parse_args(argv)
    own = read_labelled(args.data, args.task, "test").answers
    before, after = (folder.resolve() / "data-bin" for folder in (args.data, args.out))
    path = before / args.task / "label" / "dict.txt"
    labels = load_labels(path)
    if after.exists():
        raise UserError(
            f"{after}: exists already, expected a new folder: remove it, or name another"
        )
    (after / args.task).mkdir(parents=True)
    (after / RESPONSE).symlink_to(before / RESPONSE)
    (after / args.task / "input0").symlink_to(before / args.task / "input0")
    dictionary = Dictionary.load(str(path))
    numbers = {label: dictionary.encode_line(label, add_if_not_exist=False) for label in labels}
    column = {"test": wrong(own, labels, args.seed)}
    write_column(column, after / args.task / "label", "{}", "dict.txt", numbers, dictionary)


if __name__ == "__main__":
    main()
