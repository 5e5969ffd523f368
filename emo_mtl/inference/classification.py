"""What a model's heads say of texts, or of a subset of data."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from fairseq.data import FairseqDataset
from torch import nn

from emo_mtl.evaluation.recognition import Predictions
from emo_mtl.evaluation.thresholds import best_thresholds
from emo_mtl.inference.encoding import Text, batches, text_dataset
from emo_mtl.inference.labels import LEAST
from emo_mtl.inference.loading import find_bpe
from emo_mtl.tasks.emotion_dialogue import EmotionDialogueTask

VALID = "valid"  # the subset that thresholds are chosen on


def classify_texts(
    task: EmotionDialogueTask,
    model: nn.Module,
    names: Sequence[str],
    texts: Sequence[Text],
    bpe: Mapping[str, Any],
    where: str,
    batch_size: int,
) -> list[Predictions]:
    """What each of some heads says of typed texts.

    Args:
        names: of the heads
        bpe: fairseq's flags of the BPE, see `emo_mtl.inference.loading.find_bpe`
        where: what error messages name before the number of a text

    Raises:
        UserError: no BPE, or a text that cannot be encoded
    """
    encoder = task.build_bpe(find_bpe(task, bpe))
    found = []
    for name in names:
        dataset = text_dataset(task, encoder, texts, name, where, task.writing(name))
        probabilities = predict(task, model, name, dataset, batch_size)
        several = name in task.multi_label
        thresholds = np.full(len(task.heads[name]), LEAST) if several else None
        found.append(Predictions(name, task.heads[name], probabilities, None, thresholds))
    return found


def classify_subset(
    task: EmotionDialogueTask,
    model: nn.Module,
    names: Sequence[str],
    subset: str,
    batch_size: int,
) -> list[Predictions]:
    """What each of some heads says of a labelled subset of its task's data.

    Where an utterance may have several labels, the threshold of each is chosen on the subset `valid`.

    Raises:
        UserError: data that is missing or damaged
    """
    found = []
    for name in names:
        gold, probabilities = predict_subset(task, model, name, subset, batch_size)
        thresholds = None
        if name in task.multi_label:
            valid = (gold, probabilities)
            if subset != VALID:
                valid = predict_subset(task, model, name, VALID, batch_size)
            thresholds = best_thresholds(*valid)
        found.append(Predictions(name, task.heads[name], probabilities, gold, thresholds))
    return found


def predict_subset(
    task: EmotionDialogueTask, model: nn.Module, name: str, subset: str, batch_size: int
) -> tuple[np.ndarray, np.ndarray]:
    """The labels of a subset, class numbers (N) or truth values (N x C), and :func:`predict`."""
    several = name in task.multi_label
    labels = task.heads[name]
    dataset = task.splits.classification(task.data_folder(), subset, name, labels, several)
    return dataset.labels.numpy(), predict(task, model, name, dataset, batch_size)


def predict(
    task: EmotionDialogueTask,
    model: nn.Module,
    name: str,
    dataset: FairseqDataset,
    batch_size: int,
) -> np.ndarray:
    """Probabilities of one head's classes for each item of a dataset, N x C, in the items' order.

    They sum to 1 (softmax), but where an item may have several labels: each label's is its own (sigmoid).
    """
    device = next(model.parameters()).device
    probabilities = np.zeros((len(dataset), len(task.heads[name])))
    with torch.no_grad():
        for batch in batches(dataset, batch_size, device):
            logits, _ = model(**batch["net_input"], classification_head_name=name)  # B x C
            logits = logits.float()
            found = logits.sigmoid() if name in task.multi_label else logits.softmax(dim=1)
            probabilities[batch["id"].cpu()] = found.cpu()
    return probabilities
