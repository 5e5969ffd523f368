"""The short way to a config makes that of fairseq."""

import pytest
from fairseq import options
from fairseq.dataclass import utils
from helpers.config import hydra_compose, parse, train_argv

READ = ["data", "--task", "emotion_dialogue", "--path", "a=b.pt", "--cpu", "--beam", "3"]


@pytest.mark.parametrize(
    ("command", "argv"),
    [
        ("training", train_argv("data")),
        ("training", train_argv("a b", loss_weights="e6=0.5,e2=0", lr="0.1,0.2", clip_norm="1")),
        ("training", train_argv("data", optimizer="fused_adam", adam_betas="(0.9, 0.98)")),
        ("training", train_argv("data", lr_scheduler="inverse_sqrt", batch_size="8")),
        ("training", ["x", "--task", "translation", "--arch", "transformer", "--max-tokens", "9"]),
        ("generation", READ),
        ("generation", [*READ, "--model-overrides", "{'dropout': 0}", "--prefix-size", "1"]),
        ("interactive_generation", READ),
        ("validation", READ[:-2]),
    ],
)
def test_equals_fairseqs(command, argv, monkeypatch):
    parser = getattr(options, f"get_{command}_parser")
    found = parse(parser(), argv)
    monkeypatch.setattr(utils, "compose", hydra_compose)
    assert parse(parser(), argv) == found
