"""What a model's heads say of texts, or of a subset of data."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from fairseq.data import FairseqDataset
from torch import nn

from emo_mtl.evaluation.recognition import Predictions
from emo_mtl.inference.encoding import Text, batches, text_dataset
from emo_mtl.inference.loading import find_bpe
from emo_mtl.tasks.emotion_dialogue import EmotionDialogueTask


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
        found.append(Predictions(name, task.heads[name], probabilities, gold=None))
    return found


def classify_subset(
    task: EmotionDialogueTask,
    model: nn.Module,
    names: Sequence[str],
    subset: str,
    batch_size: int,
) -> list[Predictions]:
    """What each of some heads says of a labelled subset of its task's data.

    Raises:
        UserError: data that is missing or damaged
    """
    found = []
    for name in names:
        dataset = task.splits.classification(task.data_folder(), subset, name, task.heads[name])
        probabilities = predict(task, model, name, dataset, batch_size)
        gold = dataset.labels.numpy()
        found.append(Predictions(name, task.heads[name], probabilities, gold))
    return found


def predict(
    task: EmotionDialogueTask,
    model: nn.Module,
    name: str,
    dataset: FairseqDataset,
    batch_size: int,
) -> np.ndarray:
    """Probabilities of one head's classes for each item of a dataset, N x C, in the items' order."""
    device = next(model.parameters()).device
    probabilities = np.zeros((len(dataset), len(task.heads[name])))
    with torch.no_grad():
        for batch in batches(dataset, batch_size, device):
            logits, _ = model(**batch["net_input"], classification_head_name=name)  # B x C
            probabilities[batch["id"].cpu()] = logits.float().softmax(dim=1).cpu()
    return probabilities
