"""Beam search and classification on a GPU: equal to the CPU's in 32 bits, and sound in half precision."""

import pytest
import torch
from fairseq import tasks
from helpers.config import parse_train, train_argv
from helpers.searches import UTTERANCES, Setting, check_equal

from emo_mtl.inference.classification import predict

FLAGS = {"beam": 5, "no_repeat_ngram_size": 3}


class TestBeamSearch:
    def test_like_the_cpu(self, data_bin, device):
        expected = Setting(data_bin).generate(UTTERANCES, **FLAGS)
        check_equal(Setting(data_bin, device=device).generate(UTTERANCES, **FLAGS), expected)

    def test_like_fairseq(self, data_bin, device):
        setting = Setting(data_bin, device=device)
        check_equal(
            setting.generate(UTTERANCES, **FLAGS), setting.generate(UTTERANCES, stock=True, **FLAGS)
        )

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    @pytest.mark.parametrize("stock", [False, True], ids=["ours", "fairseq's"])
    def test_no_trigram_comes_twice_in_half_precision(self, data_bin, gpu, dtype, stock):
        found = Setting(data_bin, device=gpu, dtype=dtype).generate(
            UTTERANCES, stock=stock, max_len_b=30, **FLAGS
        )
        for hypothesis in (h for hypotheses in found for h in hypotheses):
            tokens = hypothesis["tokens"].tolist()
            trigrams = [tuple(tokens[i : i + 3]) for i in range(len(tokens) - 2)]
            assert len(trigrams) == len(set(trigrams))
            assert torch.isfinite(hypothesis["score"])


class TestClassification:
    @pytest.fixture(scope="class")
    def setting(self, data_bin):
        cfg = parse_train(train_argv(data_bin))
        torch.manual_seed(1)
        task = tasks.setup_task(cfg.task)
        task.load_dataset("train")
        return task, task.build_model(cfg.model).eval()

    def probabilities(self, setting, device, dtype, batch_size):
        task, model = setting
        return predict(
            task, model.to(device, dtype), "e6", task.dataset("train").datasets["e6"], batch_size
        )

    def test_batches_change_nothing(self, setting, device):
        expected = self.probabilities(setting, "cpu", torch.float32, 64)
        for size in (1, 3, 64):
            found = self.probabilities(setting, device, torch.float32, size)
            assert found == pytest.approx(expected, abs=1e-5)

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    def test_half_precision(self, setting, gpu, dtype):
        expected = self.probabilities(setting, "cpu", torch.float32, 64)
        for size in (1, 3, 64):
            assert self.probabilities(setting, gpu, dtype, size) == pytest.approx(
                expected, abs=0.05
            )
