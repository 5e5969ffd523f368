"""A wanted emotion: its words stand in front of an utterance, as a turn: `happiness __eou__ ...`.

No symbol and no embedding is new: a pretrained BART knows the words.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fairseq.data import Dictionary, data_utils
from torch import Tensor

from emo_mtl.data.datasets import BARTInputDataset, ResizedDataset
from emo_mtl.data.dictionaries import load_labels
from emo_mtl.errors import UserError
from emo_mtl.names import AUTO, GOLD


@dataclass(frozen=True)
class Emotions:
    """The emotions that a model can be asked for.

    Attributes:
        task: the classification task whose labels they are; empty where there are none
        tokens: label -> numbers of its words' tokens, with the `</s>` that ends a turn
    """

    task: str
    tokens: Mapping[str, Sequence[int]]

    @property
    def room(self) -> int:
        """Tokens that an input leaves free for any of them."""
        return max(map(len, self.tokens.values()), default=0)

    def check(
        self, wanted: str, where: str, heads: Iterable[str], special: Collection[str]
    ) -> None:
        """Raise `UserError` for an emotion that cannot be asked for.

        Args:
            wanted: a label, or one of `special`
            where: a flag or an argument, for the message
            heads: names of the model's heads
            special: what is no label, `AUTO` or `GOLD`
        """
        labels = ", ".join(self.tokens)
        if not self.tokens:
            raise UserError(
                f"{where} {wanted[:40]}: the model knows no emotions to respond with, expected one that was "
                "trained with --emotion-task"
            )
        if wanted not in self.tokens and wanted not in special:
            raise UserError(
                f"{where} {wanted[:40]}: the model was not trained with this emotion, expected one of "
                f"{', '.join([labels, *special])}"
            )
        if wanted == AUTO and self.task not in heads:
            raise UserError(
                f"{where} {AUTO}: the model has no head {self.task} that would expect an emotion: name one "
                f"({labels}), or train with --classification-tasks {self.task}"
            )


def words_of(label: str) -> str:
    """A label as it stands in front of an utterance: `very_sad` -> `very sad`."""
    return label.replace("_", " ")


def read_emotions(folder: Path, cfg: Any, bpe: Any, dictionary: Dictionary) -> Emotions:
    """The labels of `--emotion-task`, encoded.

    Args:
        folder: of the binarized tasks
        cfg: of the task
        bpe: that of the data; None where none is known
        dictionary: of the utterances

    Raises:
        UserError: no such task, no BPE, or labels that cannot stand in front of an utterance
    """
    name = cfg.emotion_task
    path = folder / name / "label" / "dict.txt"
    labels = load_labels(path)
    if bpe is None:
        raise UserError(
            f"--emotion-task {name}: found no BPE to encode its labels with, expected that of the data: give "
            "--bpe and its files"
        )
    tokens: dict[str, list[int]] = {}
    for label in labels:
        pieces = bpe.encode_turns([words_of(label)])
        numbers = dictionary.encode_line(pieces, add_if_not_exist=False).tolist()
        if label in (AUTO, GOLD) or numbers in tokens.values():
            raise UserError(
                f"{path}: found the label {label}, whose tokens another label has, or which --emotion "
                f"uses for itself ({AUTO}, {GOLD}): rename it"
            )
        tokens[label] = numbers
    found = Emotions(name, tokens)
    if found.room + 3 > cfg.max_source_length:  # <s> x </s>
        raise UserError(
            f"--max-source-length {cfg.max_source_length}: found a label of {found.room} tokens in {path}, "
            "which leaves no room for an utterance: raise it"
        )
    return found


def with_emotion(tokens: Tensor, emotion: Sequence[int]) -> Tensor:
    """`<s> tokens </s>` -> `<s> emotion </s> tokens </s>`, 1-dimensional."""
    return torch.cat([tokens[:1], tokens.new_tensor(emotion), tokens[1:]])


def with_emotions(
    net_input: Mapping[str, Any], emotions: Sequence[Sequence[int]], pad: int
) -> dict[str, Any]:
    """A batch with an emotion in front of each source.

    Args:
        net_input: of a batch, with `src_tokens` (B x S) and `src_lengths` (B)
        emotions: tokens of :class:`Emotions` for each row
    """
    rows = [
        with_emotion(row[row.ne(pad)], emotion)
        for row, emotion in zip(net_input["src_tokens"], emotions, strict=True)
    ]
    lengths = net_input["src_lengths"] + net_input["src_lengths"].new_tensor(
        [len(emotion) for emotion in emotions]
    )
    return {**net_input, "src_tokens": data_utils.collate_tokens(rows, pad), "src_lengths": lengths}


class EmotionDataset(ResizedDataset):
    """Utterances with the emotion of their responses in front; its sizes are those with the emotions.

    Args:
        dataset: the utterances
        emotions: tokens of each class
        numbers: class numbers of the responses, shape (number of items)
        dropout: share of the items that are left as they are, drawn anew for each epoch from
            (seed, epoch, index): the same for any number of workers and ranks, and after resuming
        seed: of the draw
    """

    def __init__(
        self,
        dataset: BARTInputDataset,
        emotions: Sequence[Sequence[int]],
        numbers: Tensor,
        dropout: float = 0.0,
        seed: int = 1,
    ):
        lengths = np.array([len(emotion) for emotion in emotions])
        super().__init__(dataset, np.asarray(dataset.sizes) + lengths[numbers.numpy()])
        self.emotions, self.numbers, self.dropout, self.seed = emotions, numbers, dropout, seed
        # Workers of a DataLoader that live on from epoch to epoch see it change.
        self.epoch = torch.ones((), dtype=torch.long).share_memory_()

    @property
    def turns(self) -> int:
        """The most turns of an utterance."""
        return self.dataset.turns

    def set_epoch(self, epoch: int) -> None:
        """Draw anew which emotions are left out."""
        super().set_epoch(epoch)
        self.epoch.fill_(epoch)

    def is_left_out(self, index: int) -> bool:
        """Whether an item is without its emotion in this epoch."""
        if not self.dropout:
            return False
        draw = np.random.default_rng((self.seed, int(self.epoch), int(index))).random()
        return draw < self.dropout

    def __getitem__(self, index: int) -> Tensor:
        tokens = self.dataset[index]
        if self.is_left_out(index):
            return tokens
        return with_emotion(tokens, self.emotions[int(self.numbers[index])])
