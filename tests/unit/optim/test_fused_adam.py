"""Optimizer `fused_adam` against fairseq's `adam`, through fairseq's trainer."""

import pytest
import torch
from fairseq.optim.fp16_optimizer import FP16Optimizer
from helpers.checkpoints import save_checkpoint
from helpers.trainings import Training as AnyTraining
from torch.nn import Parameter

from emo_mtl.optim import fused_adam
from emo_mtl.optim.fused_adam import FusedAdamStep

# A larger epsilon than the default: otherwise Adam turns rounding errors of tiny gradients into steps.
FLAGS = {"adam_eps": "1e-5", "weight_decay": "0.1", "adam_betas": "(0.9, 0.98)"}


class Training(AnyTraining):
    def __init__(self, build, optimizer: str, **flags: str):
        super().__init__(build, optimizer, **FLAGS, **flags)


def norms(training: Training, updates: int) -> list[float]:
    return [float(log["gnorm"]) for log in training.run(updates)]


def check_equal(ours: Training, stock: Training) -> None:
    expected = stock.parameters
    for name, parameter in ours.parameters.items():
        torch.testing.assert_close(parameter, expected[name], rtol=1e-4, atol=1e-5)


class TestUpdates:
    @pytest.mark.parametrize("clip_norm", ["0", "0.1", "1000"])
    @pytest.mark.parametrize("update_freq", ["1", "3"])
    def test_equal_those_of_adam(self, build, clip_norm, update_freq):
        flags = {"clip_norm": clip_norm, "update_freq": update_freq}
        ours, stock = (Training(build, name, **flags) for name in ("fused_adam", "adam"))
        before = ours.parameters["encoder.embed_tokens.weight"]
        assert norms(ours, 4) == pytest.approx(norms(stock, 4), rel=1e-3)
        check_equal(ours, stock)
        assert not torch.equal(before, ours.parameters["encoder.embed_tokens.weight"])

    def test_where_torch_has_no_fused_kernel(self, build, monkeypatch):
        monkeypatch.setattr(fused_adam, "has_fused_adam", lambda device_type: False)
        ours, stock = (Training(build, name, clip_norm="0.1") for name in ("fused_adam", "adam"))
        ours.run(3), stock.run(3)
        check_equal(ours, stock)

    def test_half_precision(self, build):
        """fairseq steps a float32 copy of the parameters, through its own wrapper of the optimizer."""
        results = []
        for name in ("fused_adam", "adam"):
            cfg, _, model, _ = build(optimizer=name, **FLAGS)
            cfg.common.bf16 = (
                True  # as --bf16, which fairseq's trainer takes for a TPU without a GPU
            )
            parameters = list(model.bfloat16().parameters())
            optimizer = FP16Optimizer.build_optimizer(cfg, parameters)
            for factor in (1.0, 0.5):
                optimizer.zero_grad()
                optimizer.backward(factor * sum((p.float() ** 2).sum() for p in parameters))
                optimizer.multiply_grads(0.25)
                norm = optimizer.clip_grad_norm(0.1)
                optimizer.step()
            results.append((norm, [p.clone() for p in optimizer.fp32_params]))
        (norm, ours), (expected_norm, stock) = results
        torch.testing.assert_close(norm, expected_norm)
        for parameter, expected in zip(ours, stock, strict=True):
            torch.testing.assert_close(parameter, expected, rtol=1e-4, atol=1e-5)


class TestCheckpoints:
    @pytest.mark.parametrize(
        ("first", "second"), [("adam", "fused_adam"), ("fused_adam", "adam"), ("fused_adam",) * 2]
    )
    def test_training_goes_on_with_the_other_optimizer(self, build, tmp_path, first, second):
        whole = Training(build, "adam", clip_norm="0.1")
        whole.run(6)
        begun = Training(build, first, clip_norm="0.1")
        begun.run(3)
        save_checkpoint(begun.trainer, tmp_path / "checkpoint.pt")
        resumed = Training(build, second, clip_norm="0.1")
        # fairseq compares the optimizers' names, and its adam keeps its moments under the same ones
        state = torch.load(tmp_path / "checkpoint.pt")
        state["optimizer_history"][-1]["optimizer_name"] = type(resumed.trainer.optimizer).__name__
        torch.save(state, tmp_path / "checkpoint.pt")
        resumed.trainer.load_checkpoint(str(tmp_path / "checkpoint.pt"))
        resumed.run(3)
        check_equal(resumed, whole)


class TestFusedAdamStep:
    def test_by_hand(self):
        """First step: m = 0.1 g, v = 0.001 g^2, corrected both g: the step is lr * g / (|g| + eps')."""
        parameter = Parameter(torch.tensor([1.0, 2.0]))
        parameter.grad = torch.tensor([4.0, -8.0])
        FusedAdamStep([parameter], lr=0.5, weight_decay=0.2).step(scale=2.0)
        torch.testing.assert_close(parameter.data, torch.tensor([0.9 - 0.5, 1.8 + 0.5]))

    def test_parameters_stepped_unequally_often(self):
        """Each has the bias correction of its own number of steps, as in fairseq."""
        results = []
        for optimizer_class in (FusedAdamStep, fused_adam.Adam):
            a, b = (Parameter(torch.ones(3)) for _ in range(2))
            optimizer = optimizer_class([a, b], lr=0.1)
            for step in range(3):
                a.grad = torch.tensor([1.0, -2.0, 3.0]) * (step + 1)
                b.grad = a.grad.clone() if step == 2 else None
                optimizer.step()
            results.append((a.data, b.data))
        for ours, stock in zip(*results, strict=True):
            torch.testing.assert_close(ours, stock)
