"""What was understood of a corpus of dialogues, for a person to look at."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain

from emo_mtl.preparation.corpus import SPLITS
from emo_mtl.preparation.dialogues.dialogue import Dialogue, DialogueCorpus, response_positions

MOST_LABELS = 12
EXAMPLES = 5
WIDTH = 70  # characters of a side of an example


def summary(corpus: DialogueCorpus) -> str:
    """Its format, sizes, labels and a few examples, in several lines."""
    dialogues = list(chain.from_iterable(corpus.splits[split] for split in SPLITS))
    turns = [len(dialogue) for dialogue in dialogues]
    words = [len(turn.text.split()) for dialogue in dialogues for turn in dialogue]
    train = corpus.splits["train"]
    return "\n".join(
        [
            f"{corpus.name}: dialogues in the format {corpus.format}",
            *(f"  {split}: {sizes(corpus.splits[split])}" for split in SPLITS),
            f"  turns a dialogue: {mean_and_most(turns)}; words a turn: {mean_and_most(words)}",
            *(f"  {line}" for line in label_lines(train)),
            "  examples of train:",
            *(f"    {line}" for line in example_lines(train)),
        ]
    )


def sizes(dialogues: Sequence[Dialogue]) -> str:
    """How many dialogues, turns and responses there are."""
    responses = sum(len(response_positions(dialogue)) for dialogue in dialogues)
    return (
        f"{len(dialogues):,} dialogues, {sum(map(len, dialogues)):,} turns, {responses:,} responses"
    )


def mean_and_most(numbers: Sequence[int]) -> str:
    """The mean of numbers and the greatest of them."""
    return f"{sum(numbers) / len(numbers):.1f} on average, {max(numbers):,} at most"


def label_lines(dialogues: Sequence[Dialogue]) -> list[str]:
    """A line for each column of labels: how often each label is there, the most frequent first."""
    columns: dict[str, Counter[str]] = {}
    for turn in chain.from_iterable(dialogues):
        for column, label in turn.labels.items():
            columns.setdefault(column, Counter())[label] += 1
    lines = []
    for column, counts in columns.items():
        shown = [f"{label} {count:,}" for label, count in counts.most_common(MOST_LABELS)]
        more = len(counts) - len(shown)
        lines.append(
            f"label {column} in train: {', '.join(shown)}" + (f" and {more:,} more" if more else "")
        )
    return lines


def example_lines(dialogues: Sequence[Dialogue]) -> list[str]:
    """A few responses, taken evenly, each after the last two turns before it."""
    replies = [(dialogue, i) for dialogue in dialogues for i in response_positions(dialogue)]
    number = min(EXAMPLES, len(replies))
    chosen = [replies[i * len(replies) // number] for i in range(number)]
    return [
        f"{ending(' | '.join(turn.text for turn in dialogue[max(i - 2, 0) : i]))}"
        f" => {beginning(dialogue[i].text)}"
        for dialogue, i in chosen
    ]


def beginning(text: str) -> str:
    """A text, or where it is long its first characters."""
    return text if len(text) <= WIDTH else text[:WIDTH] + "..."


def ending(text: str) -> str:
    """A text, or where it is long its last characters."""
    return text if len(text) <= WIDTH else "..." + text[-WIDTH:]
