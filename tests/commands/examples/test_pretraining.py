"""From a model to one that has read conversations, in one command that goes on where it was stopped."""

import torch
from helpers.commands import REPOSITORY, SMALL
from helpers.raw_files import write
from helpers.shell import bash

TALKS = "".join(f"What about {i}? __eou__ I'm fine with {i}. __eou__\n" for i in range(200))


def test_adapt(sample, trained, programs, tmp_path):
    """Both steps train what the last one left; a second run finds nothing to do."""
    write(tmp_path / "talks.txt", TALKS)
    adapt = (
        f"bash {REPOSITORY}/examples/pretraining/adapt.sh {sample} {trained[0]} adapted talks.txt"
    )
    flags = f"FLAGS='--arch emo_bart_tiny {' '.join(SMALL)} --cpu --batch-size 4'"
    printed = bash(f"{flags} DENOISING=2 RESPONSES=3 {adapt}", tmp_path, programs)
    assert printed.endswith("--finetune-from-model adapted/responses/model.pt\n")
    states = [
        torch.load(tmp_path / "adapted" / step / "model.pt", weights_only=False)
        for step in ("denoising", "responses")
    ]
    updates = [state["optimizer_history"][-1]["num_updates"] for state in states]
    assert updates == [2, 3]
    before = torch.load(trained[0], weights_only=False)["model"]
    key = "encoder.layers.0.fc1.weight"
    distances = [(state["model"][key] - before[key]).norm() for state in states]
    assert 0 < distances[0] < distances[1] < 0.1 * before[key].norm()  # none began anew

    saved = (tmp_path / "adapted" / "responses" / "model.pt").stat().st_mtime_ns
    printed = bash(f"{flags} DENOISING=2 RESPONSES=3 {adapt}", tmp_path, programs)
    assert "prepare" not in printed
    assert (tmp_path / "adapted" / "responses" / "model.pt").stat().st_mtime_ns == saved


def test_from_random_weights(sample, programs, tmp_path):
    write(tmp_path / "talks.txt", TALKS)
    bash(
        f"FLAGS='--arch emo_bart_small {' '.join(SMALL)} --cpu --batch-size 4' DENOISING=0 RESPONSES=2 "
        f"bash {REPOSITORY}/examples/pretraining/adapt.sh {sample} '' adapted talks.txt",
        tmp_path,
        programs,
    )
    state = torch.load(tmp_path / "adapted" / "responses" / "model.pt", weights_only=False)
    assert state["optimizer_history"][-1]["num_updates"] == 2
    assert not (tmp_path / "adapted" / "denoising").exists()
