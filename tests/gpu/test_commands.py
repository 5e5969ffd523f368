"""The real command lines on a GPU: train, be killed, go on, validate, generate."""

import re

import pytest
import torch
from helpers.background import Background
from helpers.checkpoints import real_state
from helpers.commands import TASK, TRAIN, run_command

import emo_mtl.compat  # noqa: F401  lets torch load fairseq's checkpoints


def flags_on(device: str, flags: list[str]) -> list[str]:
    return flags if device == "cpu" else [flag for flag in flags if flag != "--cpu"]


def train_flags(device: str, data_bin, save_dir, *more: object) -> list:
    tasks = ["--classification-tasks", "e6,e2", "--update-freq", "3", "--max-update", "18"]
    saves = ["--save-interval-updates", "4", "--save-dir", save_dir, "--log-interval", "1"]
    return [data_bin, *flags_on(device, TRAIN), *tasks, *saves, *more]


def final_state(save_dir) -> dict[str, torch.Tensor]:
    return real_state(torch.load(save_dir / "checkpoint_last.pt", map_location="cpu")["model"])


@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
def test_killed_and_started_again(data_bin, tmp_path, device, precision):
    """As if nothing had happened: bit by bit the same parameters."""
    if device == "cpu" and precision != "fp32":
        pytest.skip("needs a GPU: half precision")
    half = [] if precision == "fp32" else [f"--{precision}"]
    run_command("fairseq-train", *train_flags(device, data_bin, tmp_path / "whole", *half))
    flags = train_flags(device, data_bin, tmp_path / "killed", *half)
    first = Background(tmp_path / "log", "fairseq-train", *flags)
    assert '"num_updates": "10"' in first.read_until('"num_updates": "10"')
    first.kill_group()
    first.wait()
    run_command("fairseq-train", *flags)
    whole, killed = (final_state(tmp_path / name) for name in ("whole", "killed"))
    for name, parameter in whole.items():
        assert torch.equal(parameter, killed[name]), name


def test_validates_and_generates(data_bin, tmp_path, device):
    half = [] if device == "cpu" else ["--fp16"]
    run_command("fairseq-train", *train_flags(device, data_bin, tmp_path, *half))
    path = ["--path", tmp_path / "checkpoint_best.pt"]
    common = [data_bin, *flags_on(device, TASK), *path, "--max-tokens", "512", *half]
    validated = run_command("fairseq-validate", *common, "--valid-subset", "valid")
    assert re.search(r"response_ppl", validated.stdout + validated.stderr)
    beam = ["--beam", "5", "--no-repeat-ngram-size", "3", "--required-batch-size-multiple", "1"]
    generated = run_command("fairseq-generate", *common, *beam).stdout
    assert len(re.findall(r"^H-", generated, flags=re.MULTILINE)) == 11
