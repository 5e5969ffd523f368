"""`--mmi-weight`: what beam search subtracts of what a model says after nothing."""

from argparse import Namespace

import pytest
import torch
from helpers.refusals import message_of
from helpers.searches import UTTERANCES, Setting, check_equal

from emo_mtl.generation.mmi import WithoutUtterance


@pytest.fixture(scope="module")
def setting(data_bin) -> Setting:
    return Setting(data_bin)


def next_lprobs(model, source: list[int], tokens: list[int]) -> torch.Tensor:
    """Log-probabilities of the next token, computed by the whole model."""
    lengths = torch.tensor([len(source)])
    scores, _ = model(torch.tensor([source]), lengths, torch.tensor([tokens]))
    return torch.log_softmax(scores[0, -1], dim=0)


class TestSearch:
    @pytest.mark.parametrize("weight", [0.3, 1.0])
    def test_greedy_by_hand(self, setting, weight):
        """Each token is the best of log p(t | S) - w log p(t)."""
        banned = [0, 1, setting.task.target_dictionary.index("<mask>")]
        batch, order = setting.sample(UTTERANCES)
        found = setting.generate(UTTERANCES, mmi_weight=weight, beam=1, max_len_b=5)
        sources = [batch["net_input"]["src_tokens"][order.index(i)] for i in range(len(order))]
        for source, (best,) in zip(sources, found, strict=True):
            source = source[source != 1].tolist()
            tokens, total = [2, 0], 0.0
            with torch.no_grad():
                given, free = (next_lprobs(setting.model, s, [2]) for s in (source, [0, 2]))
                total += (given - weight * free)[0].item()
                while tokens[-1] != 2 and len(tokens) < 7:
                    given, free = (next_lprobs(setting.model, s, tokens) for s in (source, [0, 2]))
                    worth = given - weight * free
                    worth[banned] = -torch.inf
                    is_last = len(tokens) == 6
                    tokens.append(2 if is_last else int(worth.argmax()))
                    total += worth[tokens[-1]].item()
            assert best["tokens"].tolist() == tokens[1:]
            assert best["score"].item() == pytest.approx(total / (len(tokens) - 1), abs=1e-4)

    @pytest.mark.parametrize(
        "flags", [{"beam": 1}, {"beam": 5, "no_repeat_ngram_size": 3}], ids=str
    )
    def test_equals_fairseqs_search_with_a_language_model(self, setting, flags):
        generator = setting.task.build_generator(
            [setting.model], Namespace(**flags), mmi_weight=0.6
        )
        assert generator.is_plain(), "else both would be fairseq's"
        found = setting.generate(UTTERANCES, mmi_weight=0.6, **flags)
        check_equal(found, setting.generate(UTTERANCES, stock=True, mmi_weight=0.6, **flags))

    def test_changes_the_answers(self, setting):
        free, other = (
            setting.generate(UTTERANCES, mmi_weight=weight, beam=3) for weight in (0.0, 0.8)
        )
        same = [a[0]["tokens"].equal(b[0]["tokens"]) for a, b in zip(free, other, strict=True)]
        assert not all(same)

    def test_nothing_is_worth_anything_after_nothing(self, setting):
        """With a weight of 1, T after an empty utterance is worth log p(T) - log p(T)."""
        (hypotheses,) = setting.generate([""], mmi_weight=1.0, beam=3, max_len_b=5)
        assert [h["score"].item() for h in hypotheses] == pytest.approx([0.0] * 3, abs=1e-5)

    def test_batches_change_nothing(self, setting):
        flags = {"mmi_weight": 0.5, "beam": 3}
        together = setting.generate(UTTERANCES, **flags)
        check_equal([setting.generate([u], **flags)[0] for u in UTTERANCES], together)

    def test_off_it_is_the_search_without(self, setting):
        generator = setting.task.build_generator([setting.model], Namespace(beam=3))
        assert generator.lm_model is None
        assert generator.is_plain()

    def test_ensemble(self, data_bin, setting):
        """The mean of the probabilities, as of several models after an utterance."""
        models = [setting.model, Setting(data_bin, seed=4).model]
        tokens = torch.tensor([[2, 0, 5], [2, 0, 6]])
        both, *alone = (
            WithoutUtterance(some, setting.task.target_dictionary)(tokens)
            for some in (models, models[:1], models[1:])
        )
        torch.testing.assert_close(both.exp(), (alone[0].exp() + alone[1].exp()) / 2)


class TestRefused:
    @pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan")])
    def test_weight(self, setting, weight):
        build = setting.task.build_generator
        message = message_of(build, [setting.model], Namespace(), mmi_weight=weight)
        assert "expected a number from 0 to 1" in message

    @pytest.mark.parametrize(
        "flags", [{"sampling": True}, {"score_reference": True}, {"print_alignment": "hard"}]
    )
    def test_beside_others(self, setting, flags):
        build = setting.task.build_generator
        message = message_of(build, [setting.model], Namespace(**flags), mmi_weight=0.5)
        assert f"found --{next(iter(flags)).replace('_', '-')}, beside which" in message
        build([setting.model], Namespace(**flags))

    def test_beside_a_language_model(self, setting):
        extra = {"lm_model": setting.model, "lm_weight": 0.1}
        message = message_of(
            setting.task.build_generator,
            [setting.model],
            Namespace(),
            extra_gen_cls_kwargs=extra,
            mmi_weight=0.5,
        )
        assert "found --lm-path" in message
