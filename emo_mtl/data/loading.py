"""Reading what fairseq-preprocess wrote, with every check that can be made before training starts."""

import hashlib
import os
from pathlib import Path

import numpy as np
import torch
from fairseq.data import Dictionary, FairseqDataset, data_utils, indexed_dataset
from torch import Tensor

from emo_mtl.errors import UserError
from emo_mtl.names import name_fault

PREPARE_AGAIN = "prepare the data again (emo-mtl prepare or fairseq-preprocess)"


def parse_task_names(text: str) -> list[str]:
    """`"e6,e2"` -> `["e6", "e2"]`.

    Raises:
        UserError: a name that is given twice, or that :func:`emo_mtl.names.name_fault` refuses
    """
    names = [name.strip() for name in text.split(",")] if text.strip() else []
    for name in names:
        fault = name_fault(name) or ("twice" if names.count(name) > 1 else None)
        if fault:
            raise UserError(
                f"--classification-tasks {text[:200]!r}: found {name[:100]!r} {fault}: give the names of "
                "folders of the data separated by commas, each once, for example e6,e2,e12"
            )
    return names


def parse_loss_weights(text: str, tasks: list[str]) -> dict[str, float]:
    """`"e6=0.5,e12=0"` -> a weight for each of the tasks; 1 for those that are not named.

    Raises:
        UserError: an unknown task, a task named twice, or a weight that is no finite number >= 0
    """
    weights: dict[str, float] = {}
    for part in text.split(",") if text.strip() else []:
        name, equals, number = (piece.strip() for piece in part.partition("="))
        where = f"--loss-weights {text!r}: found {part.strip()!r}"
        if not equals or name not in tasks or name in weights:
            raise UserError(
                f"{where}, expected TASK=WEIGHT, each task of --classification-tasks at most once "
                f"({', '.join(tasks) or 'there are none'}; the weight of response is always 1)"
            )
        try:
            weights[name] = float(number)
        except ValueError:
            weights[name] = float("nan")
        if not 0 <= weights[name] < float("inf"):
            raise UserError(f"{where}, expected a finite number >= 0 as the weight of {name}")
    return {task: weights.get(task, 1.0) for task in tasks}


def read_dictionary(path: Path) -> Dictionary:
    """What stands in a `dict.txt`; `UserError` where it is no dictionary."""
    try:
        return Dictionary.load(str(path))
    except Exception as error:  # fairseq raises many kinds, a bare `Exception` among them
        raise UserError(
            f"{path}: cannot be read as a dictionary ({error}), expected lines of a symbol, a space and "
            f"a number: {PREPARE_AGAIN}"
        ) from error


def load_dictionary(path: Path) -> Dictionary:
    """fairseq's dictionary with `<mask>` last, as BART's embeddings have it."""
    if not path.is_file():
        raise UserError(f"{path}: no such file, expected a dictionary: {PREPARE_AGAIN}")
    dictionary = read_dictionary(path)
    dictionary.add_symbol("<mask>")
    return dictionary


def dictionary_sha256(dictionary: Dictionary) -> str:
    """A digest of the symbols in their order."""
    return hashlib.sha256("\n".join(dictionary.symbols).encode()).hexdigest()


def check_same_dictionary(path: Path, dictionary: Dictionary) -> None:
    """Raise `UserError` where the dictionary in a file is another than that of the responses."""
    found = load_dictionary(path)
    if found.symbols != dictionary.symbols:
        raise UserError(
            f"{path}: found a dictionary of {len(found):,} symbols, expected the {len(dictionary):,} of "
            f"the responses in the same order: all tasks share one vocabulary: {PREPARE_AGAIN}"
        )


def load_labels(path: Path) -> list[str]:
    """The labels of a classification task in the order of its `dict.txt`.

    fairseq-preprocess may pad a dictionary with `madeupword0000` and so on: these are no labels.
    """
    if not path.is_file():
        raise UserError(
            f"{path}: no such file, expected the labels of a task of --classification-tasks: "
            f"correct its name, or {PREPARE_AGAIN}"
        )
    dictionary = read_dictionary(path)
    symbols = dictionary.symbols[dictionary.nspecial :]
    labels = [symbol for symbol in symbols if not symbol.startswith("madeupword")]
    if len(labels) < 2:
        raise UserError(
            f"{path}: found {len(labels)} label(s), expected 2 or more: {PREPARE_AGAIN}"
        )
    return labels


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
            f"{prefix}.bin: the utterance in line {int(sizes.argmin()) + 1} is empty: remove the line "
            f"from the text and {PREPARE_AGAIN}"
        )


def load_label_numbers(prefix: str, labels: list[str], num_inputs: int) -> Tensor:
    """Class numbers of a binarized label file.

    Args:
        labels: the task's labels, in order
        num_inputs: lines of the utterances that the labels belong to

    Returns:
        shape (num_inputs)

    Raises:
        UserError: another number of lines, or a line that is not one of the labels
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
        if len(symbols) != 1 or symbols[0] not in labels:
            raise UserError(
                f"{prefix}.bin: line {line + 1}: found {' '.join(symbols) or 'nothing'!r}, expected one "
                f"of {', '.join(labels)}: correct the label file and {PREPARE_AGAIN}"
            )
        numbers.append(dataset[line][0].item() - dictionary.nspecial)
    return torch.tensor(numbers)
