"""A loss or a gradient that is NaN or infinite ends a training, and no checkpoint is the worse for it."""

import hashlib
import shutil

import pytest
import torch
from fairseq_cli.train import main
from helpers.config import parse_train, train_argv

from emo_mtl.criterions.multitask_nll import MultitaskNLLCriterion
from emo_mtl.errors import UserError

CLIP_NORMS = pytest.mark.parametrize("clip_norm", ["0", "1"])


@pytest.fixture(scope="module", params=["adam", "fused_adam"])
def two_updates(data_bin, tmp_path_factory, request):
    """An optimizer, and a checkpoint after two updates with it."""
    folder = tmp_path_factory.mktemp(request.param)
    argv = train_argv(data_bin, save_dir=folder, optimizer=request.param, max_update=2)
    main(parse_train([*argv, "--no-epoch-checkpoints"]))
    return request.param, folder / "checkpoint_last.pt"


@pytest.fixture
def fit(data_bin, two_updates, tmp_path, monkeypatch):
    """Train from update 2 on with a spoilt loss; returns what was raised, and compares checkpoints."""
    optimizer, checkpoint = two_updates

    def run(spoil, error, **flags):
        argv = train_argv(data_bin, save_dir=tmp_path, optimizer=optimizer, **flags)
        shutil.copy(checkpoint, tmp_path)
        before = hashlib.sha256((tmp_path / "checkpoint_last.pt").read_bytes()).digest()
        stock = MultitaskNLLCriterion.response_loss

        def spoilt(self, model, sample, reduce):
            loss, nll_loss = stock(self, model, sample, reduce)
            return spoil(loss, next(model.parameters())), nll_loss

        monkeypatch.setattr(MultitaskNLLCriterion, "response_loss", spoilt)
        with pytest.raises(error) as raised:
            main(parse_train([*argv, "--no-epoch-checkpoints", "--max-update", "6"]))
        after = hashlib.sha256((tmp_path / "checkpoint_last.pt").read_bytes()).digest()
        assert after == before
        state = torch.load(tmp_path / "checkpoint_last.pt", weights_only=True)
        assert all(value.isfinite().all() for value in state["model"].values())
        return str(raised.value)

    return run


@CLIP_NORMS
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_loss(fit, tmp_path, clip_norm, value):
    message = fit(lambda loss, _: loss * value, UserError, clip_norm=clip_norm)
    assert "task response: found a loss of" in message
    assert "update 3" in message or "update 4" in message  # the first with a batch of responses
    assert not (tmp_path / "crash.pt").exists()


@CLIP_NORMS
def test_gradient_of_a_finite_loss(fit, clip_norm):
    def spoil(loss, parameter):
        return loss + (parameter.sum() * 0).sqrt()  # the derivative is infinity times 0

    message = fit(spoil, UserError, clip_norm=clip_norm)
    assert "update 3: gradients are Nan/Inf" in message or "update 4: gradients" in message


def test_step_that_overflows(data_bin, tmp_path):
    """The next loss is not finite: it is found in the validation before the checkpoint is written."""
    argv = train_argv(data_bin, save_dir=tmp_path)
    argv.remove("--disable-validation")
    often = [*argv, "--no-epoch-checkpoints", "--save-interval-updates", "1"]
    main(parse_train([*often, "--max-update", "2"]))
    files = {path: path.read_bytes() for path in tmp_path.glob("*.pt")}
    far = ["--lr", "1e30", "--reset-lr-scheduler", "--max-update", "6"]
    with pytest.raises(UserError, match=r"^validation, task \w+: found a loss of"):
        main(parse_train([*often, *far]))
    assert {path: path.read_bytes() for path in tmp_path.glob("*.pt")} == files


def test_validation(build):
    _, task, model, criterion = build()
    task.load_dataset("valid")
    dataset = task.datasets["valid"]
    batch = dataset.collater([dataset[0]])
    with torch.no_grad():
        next(model.decoder.parameters()).fill_(float("nan"))
    with pytest.raises(UserError, match=r"^validation, task response: found a loss of nan"):
        task.valid_step(batch, model, criterion)
