"""Beam search with a random model, by this project and by fairseq."""

from argparse import Namespace

import torch
from fairseq import tasks, utils
from fairseq.sequence_generator import SequenceGenerator
from helpers.config import parse_train, train_argv

from emo_mtl.generation.fast.beam_search import BeamSearchGenerator

UTTERANCES = ["w1 w2 w3 w4 w5 w6 w7", "w8", "w9 w9 w10", "w11 w12 w13 w1 w2 w30 w31 w32 w33"]


class Setting:
    """A random model whose hypotheses differ in length, with both generators.

    Args:
        device: where the model is, and its batches
        dtype: of its parameters
    """

    def __init__(self, data_bin, seed=2, device="cpu", dtype=torch.float32, **flags):
        cfg = parse_train(train_argv(data_bin, classification_tasks="", **flags))
        torch.manual_seed(seed)
        self.task = tasks.setup_task(cfg.task)
        self.model = self.task.build_model(cfg.model).eval()
        with torch.no_grad():
            for parameter in self.model.parameters():
                parameter.mul_(2)
        self.model.to(device, dtype)
        self.device = device

    def sample(self, utterances):
        words = self.task.source_dictionary
        encoded = [words.encode_line(text, add_if_not_exist=False).long() for text in utterances]
        data = self.task.build_dataset_for_inference(encoded, [len(e) for e in encoded])
        batch = data.collater([data[i] for i in range(len(data))])
        order = [int(i) for i in batch["id"]]
        return utils.apply_to_sample(lambda tensor: tensor.to(self.device), batch), order

    def generate(
        self, utterances, stock=False, prefix_tokens=None, models=None, mmi_weight=0.0, **flags
    ):
        models = models or [self.model]
        cls = SequenceGenerator if stock else None
        generator = self.task.build_generator(
            models, Namespace(**flags), seq_gen_cls=cls, mmi_weight=mmi_weight
        )
        assert type(generator) is (SequenceGenerator if stock else BeamSearchGenerator)
        batch, order = self.sample(utterances)
        torch.manual_seed(1)
        results = self.task.inference_step(generator, models, batch, prefix_tokens)
        return [results[order.index(i)] for i in range(len(utterances))]


def check_equal(found, expected):
    """Equal tokens, and scores but for rounding."""
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert [h["tokens"].tolist() for h in ours] == [h["tokens"].tolist() for h in theirs]
        for a, b in zip(ours, theirs, strict=True):
            assert a.keys() == b.keys()
            assert a["score"].shape == b["score"].shape
            assert a["tokens"].dtype == b["tokens"].dtype
            for name in ("score", "positional_scores"):
                assert torch.allclose(a[name].cpu(), b[name].cpu(), atol=1e-5, rtol=1e-5)
