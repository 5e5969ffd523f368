"""The dictionaries of a data folder: one vocabulary for all tasks, and the labels of each.

`UserError` says what to do where a file is missing, damaged, or of another vocabulary.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from fairseq.data import Dictionary, data_utils

from emo_mtl.errors import UserError
from emo_mtl.inference.bpe import END_OF_TURN
from emo_mtl.inference.turns import MARK

PREPARE_AGAIN = "prepare the data again (emo-mtl prepare or fairseq-preprocess)"


class TurnsDictionary(Dictionary):
    """fairseq's, which shows the turns of an input apart (`S-` lines); its own would run them together."""

    def string(self, tensor: Any, bpe_symbol: str | None = None, *args: Any, **kwargs: Any) -> str:
        """As fairseq's, with `</s>` between turns, or `__eou__` where the BPE is undone."""
        if kwargs.get("include_eos") or (torch.is_tensor(tensor) and tensor.dim() == 2):
            return super().string(tensor, bpe_symbol, *args, **kwargs)
        turns: list[list[int]] = [[]]
        for number in map(int, tensor):
            turns[-1].append(number)
            if number == self.eos():
                turns.append([])
        texts = [
            super(TurnsDictionary, self).string(turn, bpe_symbol, *args, **kwargs) for turn in turns
        ]
        mark = END_OF_TURN if bpe_symbol is None else MARK
        return f" {mark} ".join(filter(None, texts))


def read_dictionary(path: Path) -> Dictionary:
    """What stands in a `dict.txt`; `UserError` where it is no dictionary."""
    try:
        return TurnsDictionary.load(str(path))
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


def find_languages(folder: Path, source: str | None, target: str | None) -> tuple[str, str]:
    """The names of the two sides of the binarized responses (`source`, `target`), unless both are given.

    Raises:
        UserError: no such folder, or none of its files tells
    """
    if not folder.is_dir():
        raise UserError(
            f"{folder}: no such folder, expected the binarized responses: {PREPARE_AGAIN}"
        )
    if source is None or target is None:
        source, target = data_utils.infer_language_pair(str(folder))
    if source is None or target is None:
        raise UserError(
            f"{folder}: found no binarized file, expected train.source-target.source.idx and so on: "
            f"{PREPARE_AGAIN}"
        )
    return source, target


def load_shared_dictionary(folder: Path, source: str, target: str) -> Dictionary:
    """The one dictionary of utterances and responses, as BART shares its embeddings.

    Raises:
        UserError: a dictionary that cannot be read, or two that differ
    """
    dictionary = load_dictionary(folder / f"dict.{source}.txt")
    check_same_dictionary(folder / f"dict.{target}.txt", dictionary)
    return dictionary


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


def load_all_labels(
    folder: Path, names: Iterable[str], dictionary: Dictionary
) -> dict[str, list[str]]:
    """The labels of classification tasks, whose utterances must have the dictionary of the responses.

    Args:
        folder: of the binarized tasks
    """
    heads = {}
    for name in names:
        heads[name] = load_labels(folder / name / "label" / "dict.txt")
        check_same_dictionary(folder / name / "input0" / "dict.txt", dictionary)
    return heads
