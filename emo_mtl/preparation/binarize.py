"""One task from its splits to `data-bin`: the very bytes that fairseq-preprocess writes.

Most turns stand in many contexts: each is encoded once, where fairseq-preprocess reads every line.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emo_mtl.inference.turns import split_turns
from emo_mtl.preparation import encode
from emo_mtl.preparation.corpus import SPLITS, Dataset
from emo_mtl.preparation.splits import write_splits

if TYPE_CHECKING:
    from torch import Tensor


def encode_turns(
    lines: Iterable[str], dictionary: Any, pool: ProcessPoolExecutor, task: str
) -> dict[str, "Tensor"]:
    """`tokens </s>` of each different turn of some lines; warns of tokens that are not in the dictionary.

    Args:
        lines: of one or more turns, see `emo_mtl.inference.turns`
        dictionary: fairseq's
        pool: from `encode.start_workers`
        task: its name
    """
    counts = Counter(turn for line in lines for turn in split_turns(line))
    encoded = encode.encode_all(pool, list(counts), task)
    numbers = {
        turn: dictionary.encode_line(tokens, add_if_not_exist=False)
        for turn, tokens in zip(counts, encoded, strict=True)
    }
    unknown = sum(
        count * int((numbers[turn] == dictionary.unk()).sum()) for turn, count in counts.items()
    )
    if unknown:
        tokens = sum(count * (len(numbers[turn]) - 1) for turn, count in counts.items())
        print(
            f"warning: {task}: {unknown} of {tokens} tokens are not in the dictionary and become <unk>",
            file=sys.stderr,
        )
    return numbers


def write_tokens(
    lines: Iterable[str], prefix: Path, numbers: Mapping[str, "Tensor"], dictionary: Any
) -> None:
    """Write `prefix.bin` and `prefix.idx`: of each line, the numbers of its turns one after the other."""
    import torch
    from fairseq.data import indexed_dataset

    builder = indexed_dataset.make_builder(f"{prefix}.bin", impl="mmap", vocab_size=len(dictionary))
    for line in lines:
        builder.add_item(torch.cat([numbers[turn] for turn in split_turns(line)]))
    builder.finalize(f"{prefix}.idx")


def build_task(
    task: str, dataset: Dataset, stage: Path, dict_file: Path, pool: ProcessPoolExecutor
) -> None:
    """Write `stage/text/TASK` and `stage/data-bin/TASK`.

    Args:
        task: name of the task.
        dataset: its examples.
        stage: folder that becomes the output folder.
        dict_file: the dict.txt of the texts.
        pool: from `encode.start_workers`.
    """
    from fairseq.data import Dictionary

    write_splits(dataset, stage / "text" / task)
    columns = [
        {split: [pair[column] for pair in dataset.splits[split]] for split in SPLITS}
        for column in (0, 1)
    ]
    texts = columns[:1] if dataset.labels else columns
    dictionary = Dictionary.load(str(dict_file))
    lines = (line for column in texts for split in SPLITS for line in column[split])
    numbers = encode_turns(lines, dictionary, pool, task)
    folder = stage / "data-bin" / task
    if not dataset.labels:
        for column, side in zip(columns, ("source", "target"), strict=True):
            prefix = f"{{}}.source-target.{side}"
            write_column(column, folder, prefix, f"dict.{side}.txt", numbers, dictionary)
        return
    write_column(columns[0], folder / "input0", "{}", "dict.txt", numbers, dictionary)
    classes = Dictionary()
    for label in dataset.labels:
        classes.add_symbol(label)
    different = {label for split in SPLITS for label in columns[1][split]}
    numbers = {label: classes.encode_line(label, add_if_not_exist=False) for label in different}
    write_column(columns[1], folder / "label", "{}", "dict.txt", numbers, classes)


def write_column(
    column: Mapping[str, Iterable[str]],
    folder: Path,
    prefix: str,
    name: str,
    numbers: Mapping[str, "Tensor"],
    dictionary: Any,
) -> None:
    """Write the lines of all splits, and their dictionary.

    Args:
        column: split -> lines
        folder: to write into
        prefix: of a split's files, with `{}` for the split
        name: of the dictionary's file
        numbers: of each turn
        dictionary: fairseq's
    """
    folder.mkdir(parents=True, exist_ok=True)
    dictionary.save(str(folder / name))
    for split, lines in column.items():
        write_tokens(lines, folder / prefix.format(split), numbers, dictionary)
