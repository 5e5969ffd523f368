"""Typed texts as a model's input: encoded, in the format of training, in batches."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from fairseq import utils
from fairseq.data import FairseqDataset, ListDataset
from torch import Tensor

from emo_mtl.data.datasets import PairDataset
from emo_mtl.errors import UserError
from emo_mtl.inference.bpe import TurnsBPE
from emo_mtl.inference.text import Writing
from emo_mtl.tasks.emotion_dialogue import EmotionDialogueTask

Text = str | Sequence[str]  # an utterance, or the turns of a conversation, of which it is the last


def text_dataset(
    task: EmotionDialogueTask,
    bpe: TurnsBPE,
    texts: Sequence[Text],
    name: str,
    where: str = "text",
    writing: Writing | None = None,
) -> PairDataset:
    """Utterances as text, each with what was said before, encoded and in the format of training.

    Args:
        name: of the task that they are for, which decides how many turns are read
        where: what error messages name before the number of a text, from 1
        writing: how the corpus writes to which the texts are brought; None: they are as they should be

    Raises:
        UserError: a text that is empty or cannot be encoded
    """
    if isinstance(texts, str):
        raise UserError(f"{where}: found one string, expected a list of strings")
    tokens = [
        encode(task, bpe, text, f"{where} {number}", writing)
        for number, text in enumerate(texts, start=1)
    ]
    dataset = ListDataset(tokens, [len(item) for item in tokens])
    utterances = task.splits.encoder_input(dataset, where, task.turns_of(name), task.room_of(name))
    return task.splits.pairs(utterances, utterances)


def encode(
    task: EmotionDialogueTask,
    bpe: TurnsBPE,
    text: Text,
    where: str,
    writing: Writing | None = None,
) -> Tensor:
    """`tokens </s>` of each turn of a text, 1-dimensional; white space of any kind becomes spaces."""
    turns = [text] if isinstance(text, str) else text
    if not isinstance(turns, Sequence) or not turns:
        raise UserError(f"{where}: found {text!r}, expected an utterance, or a list of turns")
    pieces = bpe.encode_turns([written(turn, where, writing) for turn in turns])
    return task.source_dictionary.encode_line(pieces, add_if_not_exist=False).long()


def written(text: str, where: str, writing: Writing | None) -> str:
    """An utterance on one line, as the corpus writes; `UserError` where it is empty or cannot be encoded."""
    if not isinstance(text, str) or not text.strip():
        raise UserError(f"{where}: found {text!r}, expected an utterance")
    try:
        text.encode()
    except UnicodeEncodeError as error:  # one half of a surrogate pair
        raise UserError(f"{where}: found {text[error.start]!r}, expected Unicode text") from error
    text = re.sub(r"\s", " ", text.strip())
    return text if writing is None else writing.normalize(text)


def batches(
    dataset: FairseqDataset, batch_size: int, device: torch.device
) -> Iterator[dict[str, Any]]:
    """Batches of similar lengths on a device; `batch["id"]` says which items they hold."""
    for indices in dataset.batch_by_size(dataset.ordered_indices(), max_sentences=batch_size):
        batch = dataset.collater([dataset[i] for i in indices])
        yield utils.apply_to_sample(lambda tensor: tensor.to(device), batch)
