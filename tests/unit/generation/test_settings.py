"""Settings of `EmoBART.respond`: every one that fairseq knows works, or is refused in one line."""

from dataclasses import fields

import pytest
from fairseq import tasks
from fairseq.dataclass.configs import GenerationConfig
from helpers.config import parse_train, train_argv
from hypothesis import given
from hypothesis import strategies as st

from emo_mtl.errors import UserError
from emo_mtl.generation.response import never_generated
from emo_mtl.generation.settings import generation_config
from emo_mtl.inference.bpe import TurnsBPE
from emo_mtl.inference.hub_interface import EmoBART

TEXTS = ["w1 w2 w3 w4 w5", "w6", "w7 w8 w1 w1 w1 w9 w10 w11"]
START = {"beam": 4, "no_repeat_ngram_size": 3}
WORKING = {  # setting -> values that change the answers of a beam of 4, with what they need
    "beam": {"beam": 1},
    "no_repeat_ngram_size": {"no_repeat_ngram_size": 1},
    "min_len": {"lenpen": -5, "min_len": 20},
    "max_len_b": {"max_len_b": 4},
    "lenpen": {"lenpen": -5},
    "unnormalized": {"unnormalized": True},
    "unkpen": {"unkpen": -20},
    "temperature": {"temperature": 3.0},
    "sampling": {"sampling": True},
    "sampling_topk": {"sampling": True, "sampling_topk": 2},
    "sampling_topp": {"sampling": True, "sampling_topp": 0.1},
    "diverse_beam_groups": {"diverse_beam_groups": 2},
    "diverse_beam_strength": {"diverse_beam_groups": 4, "diverse_beam_strength": 50.0},
    "diversity_rate": {"diversity_rate": 5.0},
}
NAMES = [field.name for field in fields(GenerationConfig) if not field.name.startswith("_")]
DEFAULTS = {field.name: field.default for field in fields(GenerationConfig)}
VALUES = [-3, -1, 0, 1, 2, 3, 64, 10**5, 10**30, 2.5, 0.5, -0.5, 1e-30, 1e30]
VALUES += [float("nan"), float("inf"), True, False, None, "5", "hard", "ordered", [], {}]


class Words:
    """Stands in for a BPE: the words of the dictionary."""

    def encode(self, text: str) -> str:
        return text

    def decode(self, text: str) -> str:
        return text


@pytest.fixture(scope="module")
def bart(data_bin, shared_model) -> EmoBART:
    """Random parameters."""
    return EmoBART(
        tasks.setup_task(parse_train(train_argv(data_bin)).task), shared_model, TurnsBPE(Words())
    )


class TestEverySetting:
    @pytest.mark.parametrize("name", NAMES)
    def test_works_or_is_refused(self, name, bart):
        """Whatever the value: no traceback, and nothing but fairseq's default is taken and ignored."""
        for value in VALUES:
            needed = WORKING.get(name, {})
            needed = {"max_len_b": 6} | {k: v for k, v in needed.items() if k != name}
            given = START | needed | {name: value}
            refused, answers = "", []
            try:
                answers = bart.respond(TEXTS[:1], **given, seed=1)
            except UserError as error:
                refused = str(error)
            if refused:
                assert name in refused
                assert "\n" not in refused
            else:
                assert len(answers) == 1
                assert name in WORKING or value == DEFAULTS[name]

    @pytest.mark.parametrize("name", WORKING)
    def test_has_an_effect(self, name, bart):
        without = {k: v for k, v in WORKING[name].items() if k != name}
        plain = bart.respond(TEXTS, **START | without, seed=1)
        assert bart.respond(TEXTS, **START | WORKING[name], seed=1) != plain

    @pytest.mark.parametrize("name", sorted(set(WORKING) - {"sampling"}))
    def test_an_answer_does_not_depend_on_its_batch(self, name, bart):
        given = START | WORKING[name]
        if "sampling" in given:
            pytest.skip("drawn at random")
        alone = [bart.respond([text], **given)[0] for text in TEXTS]
        assert bart.respond(TEXTS, **given) == alone

    @pytest.mark.parametrize("size", [0, -3, 2.5, True, "1", None, float("nan"), 10**30])
    def test_batch_size(self, size, bart):
        for call in (bart.respond, bart.classify):
            with pytest.raises(UserError, match="batch_size: found"):
                call(TEXTS, batch_size=size)

    @pytest.mark.parametrize("seed", ["one", 2.5, -1, 2**70])
    def test_seed(self, seed, bart):
        with pytest.raises(UserError, match="seed: found"):
            bart.respond(TEXTS, seed=seed)


class TestGenerationConfig:
    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"beams": 5}, "found the setting 'beams', expected one of beam, diverse"),
            ({"nbest": 3}, "nbest: found 3, .*: one answer is returned"),
            ({"retain_dropout": True}, "retain_dropout: found True, expected it to be left out"),
            ({"min_len": 64}, "min_len: found 64, expected a whole number from 1 to 63"),
            ({"min_len": 9, "max_len_b": 8}, "min_len: found 9, .* from 1 to 8"),
            ({"max_len_b": 0}, "max_len_b: found 0, expected a whole number from 2"),
            ({"sampling_topk": 5}, "sampling_topk: found no sampling"),
            ({"sampling_topk": 5, "sampling": False}, "sampling_topk: found no sampling"),
            ({"sampling": True, "sampling_topk": 101}, "sampling_topk: found 101, .* 1 to 100"),
            ({"sampling": True, "sampling_topk": 5, "sampling_topp": 0.9}, "leave one out"),
            ({"beam": 4, "diverse_beam_groups": 3}, "divides the beam of 4"),
            ({"beam": 50}, "beam: found 50, expected a whole number from 1 to 49"),
        ],
    )
    def test_refused(self, settings, message):
        with pytest.raises(UserError, match=message):
            generation_config(START | settings, vocabulary=100, longest=63)

    def test_defaults_ask_for_nothing(self):
        needed = {"max_len_b", "min_len", "lenpen", "unkpen", "temperature", "unnormalized"}
        rest = {name: DEFAULTS[name] for name in NAMES if name not in WORKING or name in needed}
        del rest["lenpen"]  # beside `unnormalized`
        config = generation_config(START | rest, vocabulary=100, longest=63)
        assert config.beam == 4

    @given(st.dictionaries(st.sampled_from([*NAMES, "other"]), st.sampled_from(VALUES), max_size=5))
    def test_any_mixture(self, given):
        try:
            config = generation_config(START | given, vocabulary=100, longest=63)
        except UserError:
            return
        assert all(getattr(config, name) == value for name, value in given.items())


def test_never_generated(build):
    _, task, _, _ = build()
    symbols = never_generated(task.target_dictionary)
    assert symbols == ["<s>", "<mask>"]
    task.target_dictionary.add_symbol("madeupword0000")
    assert never_generated(task.target_dictionary) == ["<s>", "<mask>", "madeupword0000"]
