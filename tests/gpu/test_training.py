"""Training on a GPU: equal to the CPU's in 32 bits; in half precision of each kind as good, and resumable."""

import math

import pytest
import torch
from fairseq import utils
from helpers.checkpoints import save_checkpoint
from helpers.data import with_sets, write_data_bin
from helpers.trainings import Training

from emo_mtl.criterions.projected_nll import projected_nll

FLAGS = {"adam_eps": "1e-5", "clip_norm": "0.1", "loss_weights": "e6=0.5"}
PRECISIONS = {
    "fp16": {"fp16": None},
    "memory-efficient-fp16": {"memory_efficient_fp16": None},
    "amp": {"amp": None},
    "bf16": {"bf16": None},
    "memory-efficient-bf16": {"memory_efficient_bf16": None},
}
SCALED = ("fp16", "memory-efficient-fp16", "amp")
# A memory-efficient kind with fused_adam is refused: tests/unit/tasks/test_flags.py.
HALVES = [
    (precision, optimizer)
    for precision in PRECISIONS
    for optimizer in ("adam", "fused_adam")
    if not (precision.startswith("memory") and optimizer == "fused_adam")
]


def check_close(
    found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor], **tolerance: float
) -> None:
    assert found.keys() == expected.keys()
    for name, value in found.items():
        torch.testing.assert_close(
            value, expected[name], **tolerance, msg=lambda text, n=name: f"{n}: {text}"
        )


class TestLikeTheCPU:
    @pytest.mark.parametrize("name", ["response", "e6", "e2"])
    @pytest.mark.parametrize("several", [False, True], ids=["one label", "several labels"])
    def test_losses_and_gradients(self, build, tmp_path, device, name, several):
        data = write_data_bin(tmp_path / "data-bin", {"train": 60})
        flags = {} if several else {"class_weights": "e6=balanced"}
        _, task, model, criterion = build(with_sets(data) if several else data, **flags)
        model.eval()
        task.load_dataset("train")
        dataset = task.dataset("train")
        sample = dataset.collater([dataset[i] for i in sorted(dataset.task_indices(name))[:7]])
        results = []
        for place in ("cpu", device):
            model.to(place).zero_grad()
            loss, _, logs = criterion(
                model, utils.apply_to_sample(lambda t, p=place: t.to(p), sample)
            )
            loss.backward()
            gradients = {
                n: p.grad.cpu().clone() for n, p in model.named_parameters() if p.grad is not None
            }
            counts = {key: torch.as_tensor(value).cpu().float() for key, value in logs.items()}
            results.append((loss.item(), counts, gradients))
        (expected_loss, expected_logs, expected), (loss, logs, found) = results
        assert loss == pytest.approx(expected_loss, rel=1e-5)
        check_close(logs, expected_logs, rtol=1e-4, atol=1e-4)
        check_close(found, expected, rtol=1e-3, atol=1e-6)

    @pytest.mark.parametrize("optimizer", ["adam", "fused_adam"])
    @pytest.mark.parametrize("update_freq", ["1", "4"])
    def test_updates(self, build, device, optimizer, update_freq):
        """Of responses and two heads, of which an update of one micro-batch uses one at most."""
        flags = {**FLAGS, "update_freq": update_freq}
        trainings = [Training(build, optimizer, place, **flags) for place in ("cpu", device)]
        norms = [[float(log["gnorm"]) for log in training.run(5)] for training in trainings]
        assert norms[1] == pytest.approx(norms[0], rel=1e-3, abs=1e-3)
        check_close(trainings[1].parameters, trainings[0].parameters, rtol=1e-3, atol=1e-4)


class TestHalfPrecision:
    @pytest.mark.parametrize(("precision", "optimizer"), HALVES)
    def test_learns_as_in_32_bits(self, build, gpu, precision, optimizer):
        losses = []
        for flags in ({}, PRECISIONS[precision]):
            training = Training(build, optimizer, gpu, **FLAGS, update_freq="2", **flags)
            logs = training.run(12)
            assert all(torch.isfinite(value).all() for value in training.parameters.values())
            losses.append([float(log["loss"]) for log in logs if "loss" in log])
            if flags and precision in SCALED:
                assert logs[-1]["loss_scale"] > 0
        whole, half = losses
        assert half[0] == pytest.approx(whole[0], rel=0.02)
        assert half[-1] == pytest.approx(whole[-1], rel=0.1)

    @pytest.mark.parametrize(("precision", "optimizer"), [h for h in HALVES if h[0] in SCALED])
    def test_survives_an_overflow(self, build, gpu, precision, optimizer):
        """With a scale at which the first gradients are infinite, it is halved until they are not."""
        flags = {**FLAGS, "fp16_init_scale": str(2**30), **PRECISIONS[precision]}
        training = Training(build, optimizer, gpu, **flags)
        before = training.parameters
        scales = [log["loss_scale"] for log in training.run(40) if "loss_scale" in log]
        assert scales[-1] < 2**30
        assert 0 < training.trainer.get_num_updates() < 40
        after = training.parameters
        assert all(torch.isfinite(value).all() for value in after.values())
        assert any(not torch.equal(before[name], value) for name, value in after.items())

    @pytest.mark.parametrize(("precision", "optimizer"), HALVES)
    def test_goes_on_bit_by_bit(self, build, gpu, tmp_path, precision, optimizer):
        flags = {**FLAGS, "update_freq": "2", **PRECISIONS[precision]}
        whole = Training(build, optimizer, gpu, **flags)
        whole.run(6)
        begun = Training(build, optimizer, gpu, **flags)
        begun.run(3)
        save_checkpoint(begun.trainer, tmp_path / "checkpoint.pt")
        resumed = Training(build, optimizer, gpu, **flags)
        resumed.trainer.load_checkpoint(str(tmp_path / "checkpoint.pt"))
        resumed.run(3)
        check_close(resumed.parameters, whole.parameters, rtol=0, atol=0)


def test_large_vocabulary_loss(device):
    """The loss of 900 tokens over 50,265 symbols, in several chunks on a GPU, is that of the CPU."""
    generator = torch.Generator().manual_seed(1)
    features, weight = (torch.randn(n, 32, generator=generator) for n in (900, 50265))
    target = torch.randint(50265, (900,), generator=generator)
    results = []
    for place in ("cpu", device):
        inputs = [t.detach().to(place).requires_grad_() for t in (features, weight)]
        loss, nll = projected_nll(*inputs, target.to(place), 0.1)
        loss.backward()
        results.append((loss.item(), nll.item(), *(t.grad.cpu() for t in inputs)))
    (expected_loss, expected_nll, *expected), (loss, nll, *found) = results
    assert math.isclose(loss, expected_loss, rel_tol=1e-5)
    assert math.isclose(nll, expected_nll, rel_tol=1e-5)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5)
