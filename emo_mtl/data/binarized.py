"""Binarized files as fairseq-preprocess writes them, with every check that can be made before training."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from fairseq.data import Dictionary, FairseqDataset, data_utils, indexed_dataset
from torch import Tensor

from emo_mtl.data.dictionaries import PREPARE_AGAIN, read_dictionary
from emo_mtl.errors import UserError


def check_complete(prefix: str) -> None:
    """Raise `UserError` where `prefix.bin` is not as long as `prefix.idx` says, or either is missing."""
    for suffix in (".idx", ".bin"):
        if not os.path.isfile(prefix + suffix):
            raise UserError(f"{prefix}{suffix}: no such file: {PREPARE_AGAIN}")
    impl = indexed_dataset.infer_dataset_impl(prefix)
    if impl is None:
        raise UserError(f"{prefix}.idx: cut off or damaged (no known header): {PREPARE_AGAIN}")
    if impl != "mmap":
        return
    try:
        index = indexed_dataset.MMapIndexedDataset.Index(prefix + ".idx")
        sizes, dtype = index.sizes.astype(np.int64), np.dtype(index.dtype)
        ends = sizes.cumsum() * dtype.itemsize
        starts = ends - sizes * dtype.itemsize
        is_sound = (
            dtype.kind in "iu" and (sizes >= 0).all() and np.array_equal(starts, index._pointers)
        )
    except Exception as error:  # numpy and fairseq raise many kinds
        raise UserError(f"{prefix}.idx: cut off or damaged ({error}): {PREPARE_AGAIN}") from error
    if not is_sound:
        raise UserError(
            f"{prefix}.idx: damaged: expected whole numbers, and examples that follow each other: "
            f"{PREPARE_AGAIN}"
        )
    if not len(sizes):
        raise UserError(f"{prefix}.bin: found no examples, expected one or more: {PREPARE_AGAIN}")
    expected, found = int(ends[-1]), os.path.getsize(prefix + ".bin")
    if found != expected:
        raise UserError(
            f"{prefix}.bin: found {found:,} bytes, expected {expected:,}: the file was cut off or "
            f"belongs to another {prefix}.idx: {PREPARE_AGAIN}"
        )


def check_numbers(prefix: str, num_symbols: int) -> None:
    """Raise `UserError` where `prefix.bin` holds a number that is no symbol's; it must be complete."""
    if indexed_dataset.infer_dataset_impl(prefix) != "mmap":
        return
    dtype = indexed_dataset.MMapIndexedDataset.Index(prefix + ".idx").dtype
    if not os.path.getsize(prefix + ".bin"):
        return
    numbers = np.memmap(prefix + ".bin", dtype, mode="r")
    for found in (int(numbers.min()), int(numbers.max())):
        if not 0 <= found < num_symbols:
            raise UserError(
                f"{prefix}.bin: found the number {found:,}, expected those of the {num_symbols:,} symbols "
                f"of the dictionary: damaged, or of another dictionary: {PREPARE_AGAIN}"
            )


def load_tokens(prefix: str, dictionary: Dictionary, impl: str | None = None) -> FairseqDataset:
    """A binarized file of utterances, each `tokens </s>`, none of them empty.

    Args:
        prefix: path without `.bin` and `.idx`
        impl: fairseq's `--dataset-impl`; found from the file for None

    Raises:
        UserError: a file that is missing, damaged or empty, or an empty utterance
    """
    check_complete(prefix)
    check_numbers(prefix, len(dictionary))
    dataset = data_utils.load_indexed_dataset(prefix, dictionary, impl)
    check_utterances(prefix, dataset)
    return dataset


def check_utterances(prefix: str, dataset: FairseqDataset) -> None:
    """Raise `UserError` where a dataset of `tokens </s>` has no items, or one without a token."""
    sizes = np.asarray(dataset.sizes)
    if not len(sizes):
        raise UserError(f"{prefix}.bin: found no examples, expected one or more: {PREPARE_AGAIN}")
    if sizes.min() <= 1:
        raise UserError(
            f"{prefix}.bin: the utterance in line {int(np.argmin(sizes)) + 1} is empty: remove the line "
            f"from the text and {PREPARE_AGAIN}"
        )


def has_several_labels(prefix: str) -> bool:
    """Whether a line of a binarized label file holds more than one label; not where there is no such file.

    Raises:
        UserError: a file that is damaged
    """
    if not os.path.isfile(prefix + ".idx"):
        return False
    check_complete(prefix)
    dataset = indexed_dataset.make_dataset(prefix, indexed_dataset.infer_dataset_impl(prefix))
    return bool(np.asarray(dataset.sizes).max() > 2)  # with </s>


def load_label_numbers(
    prefix: str, labels: Sequence[str], num_inputs: int, several: bool = False
) -> Tensor:
    """Class numbers of a binarized label file.

    Args:
        labels: the task's C labels, in order
        num_inputs: N, lines of the utterances that the labels belong to
        several: whether a line may hold several labels

    Returns:
        shape (N); with `several` truth values, N x C

    Raises:
        UserError: another number of lines, or a line that is not one of the labels, or some of them
    """
    check_complete(prefix)
    dictionary = read_dictionary(Path(prefix).parent / "dict.txt")
    check_numbers(prefix, len(dictionary))
    dataset = data_utils.load_indexed_dataset(prefix, dictionary)
    if len(dataset) != num_inputs:
        raise UserError(
            f"{prefix}.bin: found {len(dataset):,} labels, expected {num_inputs:,}, one for each line "
            f"of input0: {PREPARE_AGAIN}"
        )
    numbers = []
    for line in range(len(dataset)):
        symbols = [dictionary[i] for i in dataset[line].tolist() if i != dictionary.eos()]
        is_right_number = len(symbols) == 1 or (several and symbols)
        if not is_right_number or any(symbol not in labels for symbol in symbols):
            raise UserError(
                f"{prefix}.bin: line {line + 1}: found {' '.join(symbols) or 'nothing'!r}, expected one "
                f"{'or more ' if several else ''}of {', '.join(labels)}: correct the label file and "
                f"{PREPARE_AGAIN}"
            )
        numbers.append([labels.index(symbol) for symbol in symbols])
    if not several:
        return torch.tensor(numbers).squeeze(1)
    found = torch.zeros(len(numbers), len(labels), dtype=torch.bool)
    for row, columns in zip(found, numbers, strict=True):
        row[columns] = True
    return found
