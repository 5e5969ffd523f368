"""The example configuration of fairseq-hydra-train."""

from pathlib import Path

import pytest
import torch
from fairseq import checkpoint_utils, tasks
from fairseq.dataclass.initialize import hydra_init
from fairseq_cli.hydra_train import _hydra_main
from helpers.commands import REPOSITORY
from helpers.config import parse_train, train_argv
from helpers.data import LABELS
from hydra.experimental import compose, initialize_config_dir  # so in fairseq 0.12.2's Hydra too

from emo_mtl.inference.loading import build_model, load_checkpoint


@pytest.fixture
def train(data_bin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A training of some updates with the example, into tmp_path."""

    def run(updates: int, *overrides: str) -> Path:
        # fairseq remembers the best loss for the whole process
        monkeypatch.chdir(REPOSITORY)  # for the example's user_dir
        monkeypatch.delattr(checkpoint_utils.save_checkpoint, "best", raising=False)
        hydra_init("train")
        small = ["+model.encoder_embed_dim=32", "+model.encoder_ffn_embed_dim=64"]
        here = [f"task.data={data_bin}", f"checkpoint.save_dir={tmp_path}"]
        flags = ["task.classification_tasks='e6,e2'", f"optimization.max_update={updates}"]
        with initialize_config_dir(str(REPOSITORY / "examples" / "hydra")):
            cfg = compose("train", overrides=[*small, *here, *flags, *overrides])
        _hydra_main(cfg)
        return tmp_path / "checkpoint_last.pt"

    return run


@pytest.mark.slow
def test_trains_and_resumes(train, data_bin):
    train(2)
    path = train(4)
    state = torch.load(path, weights_only=True)
    assert state["optimizer_history"][-1]["num_updates"] == 4
    task, model = build_model(load_checkpoint(path), data_bin)
    assert task.heads == LABELS
    assert set(model.classification_heads) == {"e6", "e2"}
    assert model.args.max_target_length == 64  # what exporting asks for
    # fairseq-generate builds the task from flags
    task = tasks.setup_task(parse_train(train_argv(data_bin, classification_tasks="")).task)
    checkpoint_utils.load_model_ensemble([str(path)], task=task)


def test_is_initialised_as_with_flags(train, data_bin):
    """Not only the architecture: the settings that fairseq's transformer does not know act too."""
    path = train(1, "optimization.lr=[0]", "lr_scheduler.warmup_updates=0")
    found = torch.load(path, weights_only=True)["model"]
    argv = train_argv(data_bin, encoder_embed_dim="32", encoder_ffn_embed_dim="64")
    cfg = parse_train(argv)
    expected = tasks.setup_task(cfg.task).build_model(cfg.model).state_dict()
    assert found.keys() == expected.keys()
    for key in ("encoder.layers.0.fc1.weight", "decoder.layers.1.self_attn.q_proj.weight"):
        assert found[key].std().item() == pytest.approx(expected[key].std().item(), rel=0.1)
