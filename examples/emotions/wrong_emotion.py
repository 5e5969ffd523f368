"""The scores of gold replies with a wrong emotion: for each reply one that is not its own, drawn by a seed.

    python examples/emotions/wrong_emotion.py --gold gold.txt --scores of-anger.txt of-joy.txt ... > wrong.txt

All files are what `fairseq-generate --score-reference` printed: of `--emotion gold`, and of each emotion. The
emotion whose scores are the gold ones is a reply's own.
"""

import argparse
import random
import re
from collections.abc import Sequence
from pathlib import Path

from emo_mtl.errors import UserError
from emo_mtl.io import read_lines

LINE = re.compile(r"[STHDP]-(\d+)\t")


def blocks(path: Path) -> dict[int, list[str]]:
    """Number of a reply -> its lines; the P- line, of its scores, is the last."""
    found: dict[int, list[str]] = {}
    for line in read_lines(path):
        match = LINE.match(line)
        if match:
            found.setdefault(int(match[1]), []).append(line)
    return found


def scores(lines: Sequence[str]) -> str:
    """The P- line of a reply."""
    return next(line for line in lines if line.startswith("P-"))


def wrong(
    gold: dict[int, list[str]], others: Sequence[dict[int, list[str]]], seed: int
) -> list[str]:
    """The lines of each reply, of an emotion that is not its own.

    Raises:
        UserError: files of other replies, or fewer than two emotions for a reply
    """
    rng = random.Random(seed)
    lines: list[str] = []
    for number in sorted(gold):
        if any(number not in other for other in others):
            raise UserError(
                f"reply {number}: not in all files, expected scores of the same replies"
            )
        own = scores(gold[number])
        candidates = [other[number] for other in others if scores(other[number]) != own]
        if not candidates:
            raise UserError(f"reply {number}: found the same scores with each emotion")
        lines += rng.choice(candidates)
    return lines


def main(argv: Sequence[str] | None = None) -> None:
    """Print the lines."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gold", type=Path, required=True, metavar="FILE")
    parser.add_argument("--scores", type=Path, nargs="+", required=True, metavar="FILE")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    print(*wrong(blocks(args.gold), list(map(blocks, args.scores)), args.seed), sep="\n")


if __name__ == "__main__":
    main()
