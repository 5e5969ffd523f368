"""The classification heads of a model: made, told from its other parameters, compared with a checkpoint's."""

from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor, nn

from emo_mtl.errors import UserError


def add_heads(
    model: nn.Module, heads: Mapping[str, Sequence[str]], frozen: Collection[str]
) -> None:
    """Give a model a classification head for each task.

    Args:
        heads: name of each task -> its labels
        frozen: those that are not trained

    Raises:
        UserError: a model that has none
    """
    if heads and not hasattr(model, "register_classification_head"):
        raise UserError(
            f"{type(model).__name__} has no classification heads, expected one for each of "
            f"{', '.join(heads)}: use an architecture of emo_mtl, such as --arch emo_bart_large"
        )
    for name, labels in heads.items():
        model.register_classification_head(name, num_classes=len(labels))
        if name in frozen:
            model.classification_heads[name].requires_grad_(False)


def zero_unused(model: nn.Module) -> None:
    """A gradient of 0 for heads whose task had no part in an update.

    Distributed and fp16 training fill these zeros in anyway; without them a head would be stepped
    differently (Adam's momentum, weight decay) on one process.

    Args:
        model: in fairseq's wrappers of several GPUs, or without
    """
    for name, parameter in model.named_parameters():
        if "classification_heads." in name and parameter.requires_grad and parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)


def head_of(parameter: str) -> str | None:
    """The name of the classification head that a parameter belongs to."""
    module, _, rest = parameter.partition(".")
    return rest.split(".")[0] if module == "classification_heads" else None


def head_sizes(state_dict: dict[str, Tensor]) -> dict[str, int]:
    """Number of classes of each classification head in a checkpoint's parameters."""
    return {
        head_of(key): weight.size(0)
        for key, weight in state_dict.items()
        if head_of(key) and key.endswith(".out_proj.weight")
    }


def check_heads(found: dict[str, int], expected: dict[str, int]) -> None:
    """Raise `UserError` where a checkpoint has other heads (name: number of classes) than the model."""
    if found != expected:
        raise UserError(
            f"the checkpoint has the classification heads {found or 'none'} (name: number of labels), "
            f"this run has {expected or 'none'}: go on with the same --classification-tasks, or (in "
            "training) start new heads on the checkpoint's weights with --reset-optimizer"
        )
