"""Checkpoints of this package and of fairseq's own BART."""

import os
import re
from argparse import Namespace
from pathlib import Path

import torch
from fairseq import options, tasks
from fairseq.models.bart.model import BARTModel, bart_large_architecture
from helpers.commands import TRAIN


def save_checkpoint(trainer, path: Path, epoch_itr=None) -> None:
    """Write a checkpoint as fairseq-train does, in the middle of an epoch if its iterator is given."""
    state = epoch_itr.state_dict() if epoch_itr else {"epoch": 2, "iterations_in_epoch": 0}
    trainer.consolidate_optimizer()
    trainer.save_checkpoint(str(path), {"train_iterator": state})


def real_state(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A model's state without the copies that fairseq 0.12.2's encoder layers keep for inference."""
    return {
        key: value for key, value in state.items() if not re.search(r"\.layers\.\d+\.\w+$", key)
    }


def write_pretrained_bart(sample: Path, path: Path) -> dict[str, torch.Tensor]:
    """Random weights of fairseq's own BART in the old format: `args` Namespace, `<mask>`, no heads."""
    argv = [str(sample / "data-bin"), *TRAIN, "--arch", "bart_large"]
    args = options.parse_args_and_arch(options.get_training_parser(), argv)
    task = tasks.setup_task(args)
    small = Namespace(
        **{"encoder_embed_dim": 32, "encoder_ffn_embed_dim": 64, "encoder_layers": 1},
        **{"decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2},
    )
    bart_large_architecture(small)
    state = BARTModel.build_model(small, task).state_dict()
    state.pop("decoder.output_projection.weight")  # the old format has the shared embedding only
    small.arch, small.task = "bart_large", "denoising"
    history = {"criterion_name": "CrossEntropyCriterion", "optimizer_name": "FairseqAdam"}
    extra = {"train_iterator": {"epoch": 41, "iterations_in_epoch": 0}, "val_loss": 1.7}
    torch.save(
        {
            "args": small,
            "model": state,
            "optimizer_history": [{**history, "lr_scheduler_state": {}, "num_updates": 500000}],
            "extra_state": extra,
            "last_optimizer_state": None,
        },
        path,
    )
    return real_state(state)


def write(path: Path, age: float = 0, **options: object) -> Path:
    """A small checkpoint, last changed `age` seconds ago."""
    torch.save({"model": {"w": torch.arange(1000.0)}}, path, **options)
    now = path.stat().st_mtime
    os.utime(path, (now - age, now - age))
    return path


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-700])


def flip_a_bit(path: Path) -> None:
    """In the middle of the only tensor."""
    content = bytearray(path.read_bytes())
    tensor = content.index(torch.arange(1000.0).numpy().tobytes())
    content[tensor + 2000] ^= 1
    path.write_bytes(content)


class RunsCode:
    """Pickled, it is a call of `os.mkdir` at the time of loading."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)
