"""Beam search against fairseq's `SequenceGenerator` with the same n-gram blocker."""

import shutil
from argparse import Namespace

import pytest
import torch
from helpers.searches import UTTERANCES, Setting, check_equal

from emo_mtl.generation.fast import beam_search as module
from emo_mtl.generation.fast.beam_search import BeamSearchGenerator

PRE_NORM = {"decoder_normalize_before": None, "encoder_normalize_before": None}


@pytest.fixture(scope="module")
def setting(data_bin) -> Setting:
    return Setting(data_bin)


@pytest.fixture
def counted(monkeypatch) -> list[int]:
    """Numbers of sentences that went through the search of this project."""
    calls, search = [], BeamSearchGenerator.search_beams

    def count(self, sample, tokens, max_len):
        calls.append(len(tokens))
        return search(self, sample, tokens, max_len)

    monkeypatch.setattr(BeamSearchGenerator, "search_beams", count)
    return calls


FLAGS = [
    {"beam": 1},
    {"beam": 5},
    {"beam": 2, "lenpen": 2.5, "min_len": 4},
    {"beam": 5, "unnormalized": True},
    {"beam": 5, "max_len_a": 0.5, "max_len_b": 3},
    {"beam": 3, "max_len_b": 1},
    {"beam": 4, "max_len_b": 6, "min_len": 6},
    {"beam": 20, "lenpen": 0.0},
]


class TestEqualsFairseq:
    @pytest.mark.parametrize("flags", FLAGS, ids=str)
    @pytest.mark.parametrize("n", [0, 1, 3])
    def test_flags(self, setting, counted, flags, n):
        flags = {"no_repeat_ngram_size": n, **flags}
        if n == 1:  # 40 words and no repetition: a shorter limit, so that some token is left
            flags = {"max_len_b": 20, **flags}
        found = setting.generate(UTTERANCES, **flags)
        assert counted == [len(UTTERANCES)]
        check_equal(found, setting.generate(UTTERANCES, stock=True, **flags))

    @pytest.mark.parametrize("flags", FLAGS, ids=str)
    @pytest.mark.parametrize("look", [2, 4, 1000])
    def test_ended_hypotheses_seen_later(self, setting, monkeypatch, flags, look):
        """As on a GPU: whatever is searched for meanwhile changes nothing."""
        monkeypatch.setitem(module.LOOK, "cpu", look)
        flags = {"no_repeat_ngram_size": 3, **flags}
        found = setting.generate(UTTERANCES, **flags)
        check_equal(found, setting.generate(UTTERANCES, stock=True, **flags))

    @pytest.mark.parametrize("seed", range(3))
    @pytest.mark.parametrize("shape", [{}, PRE_NORM], ids=["post-norm", "pre-norm"])
    def test_models(self, data_bin, seed, shape):
        setting = Setting(data_bin, seed, **shape)
        flags = {"beam": 5, "no_repeat_ngram_size": 3}
        found = setting.generate(UTTERANCES, **flags)
        check_equal(found, setting.generate(UTTERANCES, stock=True, **flags))

    @pytest.mark.parametrize("beam", [1, 5])
    def test_batches_change_nothing(self, setting, beam):
        flags = {"beam": beam, "no_repeat_ngram_size": 3}
        together = setting.generate(UTTERANCES, **flags)
        check_equal([setting.generate([u], **flags)[0] for u in UTTERANCES], together)
        assert len({len(hs[0]["tokens"]) for hs in together}) > 1  # they leave at different steps


FALLBACKS = [
    {"sampling": True, "sampling_topk": 5},
    {"sampling": True, "sampling_topp": 0.9},
    {"diverse_beam_groups": 2},
    {"diversity_rate": 0.5},
    {"temperature": 0.7},
    {"unkpen": 1.0},
    {"match_source_len": True},
    {"max_len_b": 0, "min_len": 0},
]


class TestLeftToFairseq:
    @pytest.mark.parametrize("flags", FALLBACKS, ids=str)
    def test_flags(self, setting, counted, flags):
        found = setting.generate(UTTERANCES, beam=4, **flags)
        check_equal(found, setting.generate(UTTERANCES, stock=True, beam=4, **flags))
        assert not counted

    def test_longer_prefix(self, setting, counted):
        prefix = torch.tensor([[0, 5]] * len(UTTERANCES))
        found = setting.generate(UTTERANCES, prefix_tokens=prefix, beam=2)
        assert all(h["tokens"][:2].tolist() == [0, 5] for hs in found for h in hs)
        assert not counted

    def test_a_prefix_that_repeats_itself(self, setting):
        """Tokens that are given are not banned, those that are chosen are."""
        prefix = torch.tensor([[0] + [5] * 10] * len(UTTERANCES))
        flags = {"beam": 2, "no_repeat_ngram_size": 3, "prefix_tokens": prefix}
        for stock in (False, True):
            found = setting.generate(UTTERANCES, stock=stock, **flags)
            for hypothesis in (h["tokens"].tolist() for hs in found for h in hs):
                assert hypothesis[:11] == prefix[0].tolist()
                rest = hypothesis[9:]
                trigrams = list(zip(rest, rest[1:], rest[2:], strict=False))
                assert len(set(trigrams)) == len(trigrams)

    def test_prefix_size_counts_no_first_symbol(self, setting):
        """fairseq-generate hands over the first N tokens of the responses, `<s>` among them."""
        batch, _ = setting.sample(UTTERANCES)
        target = torch.tensor([[0, 5, 6, 7, 2]] * len(UTTERANCES))
        generator = setting.task.build_generator([setting.model], Namespace(beam=2))
        found = setting.task.inference_step(
            generator, [setting.model], {**batch, "target": target}, target[:, :2]
        )
        assert all(h["tokens"][:3].tolist() == [0, 5, 6] for hs in found for h in hs)

    @pytest.mark.parametrize("kind", ["hard", "soft"])
    def test_alignment(self, setting, kind):
        flags = Namespace(beam=2, print_alignment=kind)
        generator = setting.task.build_generator([setting.model], flags)
        batch, _ = setting.sample(UTTERANCES)
        found = setting.task.inference_step(generator, [setting.model], batch)
        assert all(len(h["alignment"]) for hs in found for h in hs)

    def test_score_of_the_reference(self, setting):
        """The scorer of fairseq on the responses as they are."""
        batch, _ = setting.sample(UTTERANCES)
        net_input = dict(batch["net_input"], prev_output_tokens=torch.tensor([[2, 0, 5, 6]] * 4))
        target = torch.tensor([[0, 5, 6, 2]] * 4)
        sample = {**batch, "net_input": net_input, "target": target}
        generator = setting.task.build_generator([setting.model], Namespace(score_reference=True))
        found = setting.task.inference_step(generator, [setting.model], sample)
        lprobs = setting.model.get_normalized_probs(setting.model(**net_input), log_probs=True)
        expected = lprobs.gather(2, target.unsqueeze(2)).squeeze(2).mean(dim=1)
        assert [h["score"].item() for (h,) in found] == pytest.approx(expected.tolist(), abs=1e-4)

    def test_language_model(self, setting, counted):
        """`--lm-path`: scores of another model are added at every step."""

        class Uniform(torch.nn.Module):
            def forward(self, tokens):
                return tokens

            def get_normalized_probs(self, tokens, log_probs, sample):
                scores = torch.zeros(*tokens.shape, len(setting.task.target_dictionary))
                scores[:, :, 7] = 50.0
                return scores

        extra = {"lm_model": Uniform(), "lm_weight": 1.0}
        generator = setting.task.build_generator(
            [setting.model], Namespace(beam=2, max_len_b=4), extra_gen_cls_kwargs=extra
        )
        batch, _ = setting.sample(UTTERANCES)
        found = setting.task.inference_step(generator, [setting.model], batch)
        assert all(h["tokens"].tolist() == [0, 7, 7, 7, 2] for (h, _) in found)
        assert not counted

    def test_ensemble(self, data_bin, setting, counted):
        models = [setting.model, Setting(data_bin, seed=4).model]
        found = setting.generate(UTTERANCES, models=models, beam=2)
        check_equal(found, setting.generate(UTTERANCES, stock=True, models=models, beam=2))
        assert not counted

    def test_other_generators(self, setting):
        flags = Namespace(print_alignment="hard")
        generator = setting.task.build_generator([setting.model], flags)
        assert not isinstance(generator, BeamSearchGenerator)


class TestModel:
    def test_leaves_the_model_as_it_was(self, setting):
        """Training goes on with it after --eval-bleu."""
        batch, _ = setting.sample(UTTERANCES)
        tokens, lengths = (batch["net_input"][k] for k in ("src_tokens", "src_lengths"))
        before, _ = setting.model(tokens, lengths, tokens)
        setting.generate(UTTERANCES, beam=5)
        after, _ = setting.model(tokens, lengths, tokens)
        assert torch.equal(before, after)

    def test_follows_the_training(self, data_bin):
        """A generator that was built before the weights changed, as that of --eval-bleu."""
        setting = Setting(data_bin)
        flags = {"beam": 3, "no_repeat_ngram_size": 3}
        generator = setting.task.build_generator([setting.model], Namespace(**flags))
        with torch.no_grad():
            for parameter in setting.model.parameters():
                parameter.add_(torch.randn_like(parameter) / 10)
        batch, _ = setting.sample(UTTERANCES)
        found = setting.task.inference_step(generator, [setting.model], batch)
        fresh = setting.task.build_generator([setting.model], Namespace(**flags))
        check_equal(found, setting.task.inference_step(fresh, [setting.model], batch))

    def test_nan(self, data_bin):
        setting = Setting(data_bin)
        with torch.no_grad():
            setting.model.decoder.layers[0].fc1.bias[0] = float("nan")
        with pytest.raises(FloatingPointError, match="NaN"):
            setting.generate(UTTERANCES, beam=2)


def test_fillers_of_the_dictionary_are_never_chosen(data_bin, tmp_path):
    """fairseq-preprocess pads dictionaries with `madeupword0000`, which is no sub-word of any BPE."""
    data = shutil.copytree(data_bin, tmp_path / "data-bin")
    for side in ("source", "target"):
        with (data / "response" / f"dict.{side}.txt").open("a") as file:
            file.write("madeupword0000 0\nmadeupword0001 0\n")
    padded = Setting(data)
    fillers = {padded.task.target_dictionary.index(f"madeupword000{i}") for i in (0, 1)}
    with torch.no_grad():  # all scores are 0, so that ties are decided by the order of the symbols
        padded.model.decoder.output_projection.weight.zero_()
    size = len(padded.task.target_dictionary)
    found = padded.generate(UTTERANCES, beam=(size - 1) // 2, max_len_b=2, min_len=1, nbest=40)
    chosen = {token for hypotheses in found for h in hypotheses for token in h["tokens"].tolist()}
    assert len(chosen) > size // 2
    assert not chosen & fillers
