"""A tiny data-bin as fairseq-preprocess writes it."""

import random
from collections.abc import Sequence
from pathlib import Path

from fairseq.data import Dictionary
from fairseq.data.indexed_dataset import make_builder, make_dataset

WORDS = [f"w{i}" for i in range(40)]


LABELS = {"e6": ["anger", "disgust", "fear", "joy", "sadness", "surprise"], "e2": ["neg", "pos"]}


def make_dictionary(symbols: Sequence[str], path: Path, padding: int = 0) -> Dictionary:
    """Write a `dict.txt`, with `madeupword` entries as fairseq-preprocess may add them."""
    dictionary = Dictionary()
    for symbol in [*symbols, *(f"madeupword{i:04d}" for i in range(padding))]:
        dictionary.add_symbol(symbol)
    path.parent.mkdir(parents=True, exist_ok=True)
    dictionary.save(str(path))
    return dictionary


def binarize(lines: Sequence[str], dictionary: Dictionary, prefix: Path) -> None:
    """What fairseq-preprocess makes of lines of space-separated tokens."""
    prefix.parent.mkdir(parents=True, exist_ok=True)
    builder = make_builder(f"{prefix}.bin", "mmap", vocab_size=len(dictionary))
    for line in lines:
        builder.add_item(dictionary.encode_line(line, add_if_not_exist=False))
    builder.finalize(f"{prefix}.idx")


def utterance(rng: random.Random, longest: int = 12) -> str:
    return " ".join(rng.choices(WORDS, k=rng.randint(1, longest)))


def write_data_bin(folder: Path, sizes: dict[str, int], seed: int = 0) -> Path:
    """A data folder with random responses and the tasks e6 and e2; sizes: examples of each split."""
    rng = random.Random(seed)
    for side in ("source", "target"):
        words = make_dictionary(WORDS, folder / "response" / f"dict.{side}.txt")
    for name, labels in LABELS.items():
        make_dictionary(WORDS, folder / name / "input0" / "dict.txt")
        make_dictionary(labels, folder / name / "label" / "dict.txt", padding=2)
    for split, size in sizes.items():
        for side in ("source", "target"):
            lines = [utterance(rng) for _ in range(size)]
            binarize(lines, words, folder / "response" / f"{split}.source-target.{side}")
        for name, labels in LABELS.items():
            count = max(2, size // 3)
            binarize(
                [utterance(rng) for _ in range(count)], words, folder / name / "input0" / split
            )
            label_dict = Dictionary.load(str(folder / name / "label" / "dict.txt"))
            binarize(
                [labels[i % len(labels)] for i in range(count)],
                label_dict,
                folder / name / "label" / split,
            )
    return folder


def with_sets(folder: Path) -> Path:
    """A data folder of :func:`write_data_bin` whose utterances of e6 have one or two labels."""
    labels = LABELS["e6"]
    dictionary = Dictionary.load(str(folder / "e6" / "label" / "dict.txt"))
    for file in (folder / "e6" / "label").glob("*.idx"):
        count = len(make_dataset(str(file.with_suffix("")), "mmap"))
        lines = [
            f"{labels[i % 6]} {labels[i % 3]}" if i % 2 else labels[i % 6] for i in range(count)
        ]
        binarize(lines, dictionary, file.with_suffix(""))
    return folder
