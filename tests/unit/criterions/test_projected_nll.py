"""Projection and label-smoothed NLL in one step, against fairseq's separate ones."""

import math

import pytest
import torch
from fairseq.criterions.label_smoothed_cross_entropy import label_smoothed_nll_loss

from emo_mtl.criterions import projected_nll as module
from emo_mtl.criterions.projected_nll import projected_nll


def inputs(n: int = 7, c: int = 5, v: int = 11, dtype: torch.dtype = torch.float32):
    generator = torch.Generator().manual_seed(n)
    features = torch.randn(n, c, generator=generator).to(dtype).requires_grad_()
    weight = torch.randn(v, c, generator=generator).to(dtype).requires_grad_()
    target = torch.randint(v, (n,), generator=generator)
    return features, weight, target


def fairseq_loss(features, weight, target, epsilon):
    lprobs = torch.log_softmax((features @ weight.t()).float(), dim=-1)
    return label_smoothed_nll_loss(lprobs, target.unsqueeze(1), epsilon)


def gradients(loss, *tensors, factor=0.25):
    return torch.autograd.grad(loss * factor, tensors)


class TestProjectedNLL:
    def test_by_hand(self):
        """Scores ln 1 and ln 3 are probabilities 1/4 and 3/4; epsilon goes to the one other symbol."""
        weight = torch.tensor([[0.0], [math.log(3)]])
        loss, nll = projected_nll(torch.ones(1, 1), weight, torch.tensor([1]), 0.1)
        assert nll.item() == pytest.approx(-math.log(0.75))
        assert loss.item() == pytest.approx(-0.9 * math.log(0.75) - 0.1 * math.log(0.25))

    @pytest.mark.parametrize("epsilon", [0.0, 0.1])
    @pytest.mark.parametrize("chunk", [1, 30, 10_000])
    def test_equals_fairseq(self, monkeypatch, chunk, epsilon):
        """Value and gradients, however few rows are in float32 at a time."""
        monkeypatch.setitem(module.CHUNK, "cpu", chunk)
        features, weight, target = inputs()
        ours, stock = (f(features, weight, target, epsilon) for f in (projected_nll, fairseq_loss))
        for value, expected in zip(ours, stock, strict=True):
            torch.testing.assert_close(value, expected)
        for grad, expected in zip(
            gradients(ours[0], features, weight),
            gradients(stock[0], features, weight),
            strict=True,
        ):
            torch.testing.assert_close(grad, expected)

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    def test_half_precision(self, dtype):
        """The loss is in float32, and as exact as fairseq's."""
        features, weight, target = inputs(dtype=dtype)
        loss, nll = projected_nll(features, weight, target, 0.1)
        expected, expected_nll = fairseq_loss(features, weight, target, 0.1)
        assert loss.dtype == nll.dtype == torch.float32
        torch.testing.assert_close(loss, expected)
        torch.testing.assert_close(nll, expected_nll)
        for grad, stock in zip(
            gradients(loss, features, weight), gradients(expected, features, weight), strict=True
        ):
            assert grad.dtype == dtype
            torch.testing.assert_close(grad, stock, rtol=0.02, atol=0.02)

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    def test_autocast(self, dtype):
        """As under `--amp`: parameters in float32, products in half precision, gradients after it."""
        features, weight, target = inputs()
        results = []
        for function in (projected_nll, fairseq_loss):
            with torch.autocast("cpu", dtype):
                loss, nll = function(features, weight, target, 0.1)
            assert loss.dtype == nll.dtype == torch.float32
            results.append((loss, nll, *gradients(loss, features, weight)))
        for ours, stock in zip(*results, strict=True):
            assert ours.dtype == torch.float32
            torch.testing.assert_close(ours, stock, rtol=0.02, atol=0.02)

    def test_large_scores_do_not_overflow(self):
        features, weight, target = inputs()
        loss, _ = projected_nll(features * 1e4, weight, target, 0.1)
        assert math.isfinite(loss.item())

    def test_without_gradients_nothing_is_kept(self):
        features, weight, target = inputs()
        with torch.no_grad():
            loss, nll = projected_nll(features, weight, target, 0.1)
        assert loss.grad_fn is None
        assert nll.grad_fn is None

    def test_no_positions(self):
        _, weight, _ = inputs()
        loss, _ = projected_nll(torch.zeros(0, 5), weight, torch.zeros(0, dtype=torch.long), 0.1)
        assert loss.item() == 0


def test_rows_begin_aligned():
    """Whatever the size of the vocabulary."""
    like = torch.zeros(1, dtype=torch.float16)
    for columns, width in ((1, 64), (64, 64), (65, 128), (50_265, 50_304)):
        room = module.aligned_rows(3, columns, like)
        assert room.shape == (3, columns)
        assert room.stride() == (width, 1)
        assert room.dtype == torch.float16
