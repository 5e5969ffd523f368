"""EmpatheticDialogues: a model's replies beside those that other systems published, by one scorer.

    python examples/conversations/peers.py --peers PEERS --references DATA/text/response/test.target \\
      --hypotheses RUN/generate-test.txt ...

PEERS holds a file of each system, NAME.tsv: its reply, a tab, the reference, in lower case, tokenized, with
contractions written out (`i am`). Other replies are brought to lower case and NLTK's words; all are split
at white space. The systems lack a few of the test set's examples, and distinct-n falls with the number of
lines: our rows are about the examples that the peers have, found by their references. Their perplexities
are of words of a vocabulary of their own, and belong beside no other.
"""

import argparse
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path

from emo_mtl.errors import UserError
from emo_mtl.evaluation.metrics import (
    average_length,
    bleu,
    different,
    distinct_n,
    most_frequent_share,
    word_tokenizer,
)
from emo_mtl.evaluation.responses import read_responses
from emo_mtl.formats import markdown
from emo_mtl.io import read_lines

HEADER = ["system", "dist-1", "dist-2", "sBLEU", "words", "replies", "different", "most frequent"]


def in_order(references: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Where the wanted references stand in a list that has them in their order, and a few more between them.

    Texts are compared by their letters and digits. A quarter is spelled otherwise (`i 'm`, `i am`): between
    two that are found they are taken in turn.

    Raises:
        UserError: fewer than half are found
    """

    def keys(texts: Sequence[str]) -> list[str]:
        return ["".join(filter(str.isalnum, text.lower())) for text in texts]

    matcher = SequenceMatcher(None, keys(references), keys(wanted), autojunk=False)
    blocks = matcher.get_matching_blocks()
    if 2 * sum(block.size for block in blocks) < len(wanted):
        raise UserError(
            "the references are not those of the peers, expected the test set in its order"
        )
    found: list[int] = []
    start = 0
    for block in blocks:
        between = block.b - len(found)
        found += [*range(start, start + between), *range(block.a, block.a + block.size)]
        start = block.a + block.size
    return found


def row(name: str, replies: Sequence[str], references: Sequence[str]) -> list[str]:
    """The scores of a system, in percent but for the words and the numbers of replies."""
    words = [reply.split() for reply in replies]
    numbers = [distinct_n(words, 1), distinct_n(words, 2)]
    return [
        markdown.text(name),
        *(f"{number:.2f}" for number in numbers),
        "-" if replies == references else f"{bleu(replies, references, tokenize='none')[0]:.2f}",
        f"{average_length(words):.1f}",
        f"{len(replies):,}",
        f"{different(replies):,}",
        f"{most_frequent_share(replies):.1f}",
    ]


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--references", type=Path, required=True, metavar="FILE")
    parser.add_argument("--hypotheses", type=Path, nargs="+", default=[], metavar="FILE")
    args = parser.parse_args(argv)
    split_words, _ = word_tokenizer("nltk")

    def words(text: str) -> str:
        return " ".join(split_words(text)).lower()

    published = {
        file.stem: [line.split("\t") for line in read_lines(file)]
        for file in sorted(args.peers.glob("*.tsv"))
    }
    if not published:
        raise UserError(f"{args.peers}: found no NAME.tsv, expected what the peers published")
    gold = read_lines(args.references)
    longest = max(published.values(), key=len)
    kept = in_order(gold, [reference for _, reference in longest])
    references = [words(gold[i]) for i in kept]
    rows = [row(name, *map(list, zip(*pairs, strict=True))) for name, pairs in published.items()]
    for file in args.hypotheses:
        replies = read_responses(file).hypotheses
        if len(replies) != len(gold):
            raise UserError(f"{file}: found {len(replies):,} replies, expected {len(gold):,}")
        rows.append(row(str(file), [words(replies[i]) for i in kept], references))
    rows.append(row("gold", references, references))
    print(markdown.table(HEADER, rows))


if __name__ == "__main__":
    main()
