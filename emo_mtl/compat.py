"""The only file that knows about versions of torch and fairseq; each shim says when it can go."""

import argparse

import torch

# torch >= 2.6 loads checkpoints with `weights_only=True`, and fairseq keeps the model's flags in an
# `argparse.Namespace`. Allowing this one harmless class keeps the protection on for everything else.
# It can go when fairseq registers the class itself. (torch < 2.4 has neither.)
if hasattr(torch.serialization, "add_safe_globals"):
    torch.serialization.add_safe_globals([argparse.Namespace])
