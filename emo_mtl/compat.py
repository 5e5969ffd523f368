"""The only file that knows about versions of torch and fairseq; each shim says when it can go."""

import argparse
import re
import warnings
from functools import cache

import torch

# torch >= 2.6 loads checkpoints with `weights_only=True`, and fairseq keeps the model's flags in an
# `argparse.Namespace`. Allowing this one harmless class keeps the protection on for everything else.
# It can go when fairseq registers the class itself. (torch < 2.4 has neither.)
if hasattr(torch.serialization, "add_safe_globals"):
    torch.serialization.add_safe_globals([argparse.Namespace])

# Hydra >= 1.1 warns of how fairseq calls it, in 18 lines before every message of a command. It can go when
# fairseq calls Hydra otherwise.
warnings.filterwarnings("ignore", category=UserWarning, module="hydra")
warnings.filterwarnings("ignore", "\n'config' is validated against ConfigStore", UserWarning)


def may_take_batch_first(layer: torch.nn.Module) -> bool:
    """Whether a layer of fairseq's encoder takes B x T x C at times, instead of T x B x C.

    0.12.2's does in evaluation, once a checkpoint was loaded: torch's fast path. It can go with 0.12.2.
    """
    return hasattr(layer, "BT_version")


def is_copy(name: str) -> bool:
    """Whether a parameter is none of the model's, but a copy of one, which fairseq makes when it loads.

    Layers of 0.12.2 have such copies for evaluation, as `encoder.layers.0.NAME`; other files lack them.
    It can go with 0.12.2.
    """
    return re.search(r"(?:^|\.)layers\.\d+\.\w+$", name) is not None


@cache
def has_fused_adam(device_type: str) -> bool:
    """Whether torch has a fused Adam for a kind of device: for CPUs since 2.4, for CUDA since 2.0.

    It can go with torch < 2.4.
    """
    try:
        torch.optim.AdamW([torch.nn.Parameter(torch.empty(1, device=device_type))], fused=True)
    except RuntimeError:
        return False
    return True
