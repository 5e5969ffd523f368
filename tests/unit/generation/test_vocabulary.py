"""Logits, their normalization and the best continuations, against a full log-softmax and sort."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from emo_mtl.generation.fast import vocabulary
from emo_mtl.generation.fast.vocabulary import best_continuations, logits_buffer, project

CPU = torch.device("cpu")


class TestProject:
    @pytest.mark.parametrize("size", [3, 64, 100, 2500])
    def test_is_log_softmax(self, size):
        """Also over several chunks, the last of which is smaller, and logits in the hundreds."""
        torch.manual_seed(size)
        features, weight = torch.randn(7, 16) * 10, torch.randn(size, 16) * 10
        logits, maximum, log_sum = project(features, weight, logits_buffer(9, size, CPU))
        expected = (features.double() @ weight.double().t()).log_softmax(1)
        found = (logits - maximum - log_sum)[:, :size]
        assert torch.allclose(found.double(), expected, atol=1e-3, rtol=1e-6)
        assert logits.shape == (7, math.ceil(size / 64) * 64)
        assert logits[:, size:].eq(-math.inf).all()

    def test_chunks_change_nothing(self, monkeypatch):
        torch.manual_seed(1)
        features, weight = torch.randn(5, 8), torch.randn(300, 8)
        whole = [x.clone() for x in project(features, weight, logits_buffer(5, 300, CPU))]
        monkeypatch.setattr(vocabulary, "CPU_CHUNK", 37)
        parts = project(features, weight, logits_buffer(5, 300, CPU))
        assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(whole, parts, strict=True))

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    def test_half_precision_is_summed_in_float32(self, dtype):
        torch.manual_seed(1)
        features, weight = torch.randn(2, 8).to(dtype), torch.randn(3000, 8).to(dtype)
        logits, maximum, log_sum = project(features, weight, logits_buffer(2, 3000, CPU))
        expected = (features @ weight.t()).float().log_softmax(1)
        assert torch.allclose((logits - maximum - log_sum)[:, :3000], expected, atol=1e-5)


class TestBestContinuations:
    @given(
        st.integers(0, 999), st.integers(1, 4), st.integers(1, 6), st.integers(5, 400), st.data()
    )
    def test_equals_sorting_everything(self, seed, sentences, beams, size, data):
        """`totals` are fairseq's: the log-softmax of each row plus the score of its hypothesis."""
        k = data.draw(st.integers(1, size - 1))
        torch.manual_seed(seed)
        features, weight = torch.randn(sentences * beams, 4), torch.randn(size, 4)
        scores = -torch.rand(sentences, beams) * 5
        logits, *normalizers = project(features, weight, logits_buffer(99, size, CPU))
        totals = (features @ weight.t()).log_softmax(1).view(sentences, beams, size)
        totals = (totals + scores.unsqueeze(2)).flatten(1)
        found, tokens, beam = best_continuations(logits, *normalizers, scores, k)
        assert torch.allclose(found, totals.topk(k).values, atol=1e-5)
        assert torch.allclose(totals.gather(1, beam * size + tokens), found, atol=1e-5)
        assert all(len(set(row)) == k for row in (beam * size + tokens).tolist())

    def test_banned_tokens_and_nan_are_never_better(self):
        logits, *normalizers = project(torch.eye(2), torch.randn(9, 2), logits_buffer(2, 9, CPU))
        logits[0, [3, 4]] = -math.inf
        normalizers[1][1] = math.nan  # a row with a NaN has only NaN in fairseq, too
        found, tokens, beam = best_continuations(logits, *normalizers, torch.zeros(1, 2), 8)
        assert found[0, :7].isfinite().all()
        assert found[0, 7] == -math.inf
        assert sorted(tokens[0, :7].tolist()) == [0, 1, 2, 5, 6, 7, 8]
        assert not beam[0, :7].any()
