"""The emotion that responses are to have (`--emotion`), put in front of the utterances of a batch."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from fairseq import utils
from fairseq.data import ListDataset
from torch import Tensor, nn

from emo_mtl.data.emotions import with_emotions


def with_wanted(
    task: Any, net_input: Mapping[str, Any], wanted: Sequence[str | None]
) -> Mapping[str, Any]:
    """A batch with the label of a wanted emotion in front of each utterance.

    Args:
        task: an `EmotionDialogueTask`
        net_input: of the batch of B utterances
        wanted: B labels, None for an utterance without
    """
    if not any(wanted):
        return net_input
    tokens = [task.emotions.tokens[label] if label else () for label in wanted]
    return with_emotions(net_input, tokens, task.source_dictionary.pad())


def expected(task: Any, model: nn.Module, src_tokens: Tensor) -> list[str]:
    """The emotion that the head of `--emotion-task` expects of the response to each utterance.

    Args:
        task: an `EmotionDialogueTask`
        src_tokens: the utterances, B x S

    Returns:
        B labels
    """
    name, pad = task.emotions.task, task.source_dictionary.pad()
    tokens = [row[row.ne(pad)][1:] for row in src_tokens.cpu()]
    dataset = ListDataset(tokens, [len(row) for row in tokens])
    utterances = task.splits.encoder_input(dataset, "input", task.turns_of(name))
    pairs = task.splits.pairs(utterances, utterances)
    batch = pairs.collater([pairs[i] for i in range(len(pairs))])  # in an order of its own
    inputs = utils.apply_to_sample(lambda tensor: tensor.to(src_tokens.device), batch["net_input"])
    with torch.no_grad():
        logits, _ = model(**inputs, classification_head_name=name)  # B x C
    numbers = logits.argmax(dim=1).cpu()[batch["id"].argsort()]
    return [task.heads[name][number] for number in numbers.tolist()]
