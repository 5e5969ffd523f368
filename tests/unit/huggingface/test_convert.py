"""Both libraries' models side by side: parameters, logits, generation, and what is refused."""

import math
import random
from argparse import Namespace
from collections.abc import Sequence

import pytest
import torch
from fairseq.data import Dictionary
from fairseq.models import ARCH_CONFIG_REGISTRY
from fairseq.models.bart.model import BARTModel
from helpers.checkpoints import real_state
from helpers.data import LABELS

from emo_mtl.errors import UserError
from emo_mtl.huggingface.convert import (
    fairseq_args,
    generation_config,
    to_fairseq,
    to_huggingface,
    to_huggingface_classifier,
)
from emo_mtl.huggingface.library import hide_broken_torchaudio

hide_broken_torchaudio()
transformers = pytest.importorskip("transformers", reason="needs the extra emo-mtl[hf]")

BOS, PAD, EOS, UNK = range(4)
ROWS = ([BOS, 5, 6, 7, 8, EOS], [BOS, 9, EOS], [BOS, EOS], [BOS, UNK, 12, 12, EOS])


def batch(rows: Sequence[list[int]] = ROWS) -> dict[str, torch.Tensor]:
    """Right-padded utterances, and the same shifted to the right as the decoder's input."""
    width = max(map(len, rows))
    pad = torch.tensor([row + [PAD] * (width - len(row)) for row in rows])
    shifted = torch.tensor([[EOS, *row[:-1]] + [PAD] * (width - len(row)) for row in rows])
    lengths = torch.tensor([len(row) for row in rows])
    return {"src_tokens": pad, "src_lengths": lengths, "prev_output_tokens": shifted}


def huggingface_logits(model: torch.nn.Module, **more: torch.Tensor) -> torch.Tensor:
    tokens = batch()["src_tokens"]
    with torch.no_grad():
        return model(input_ids=tokens, attention_mask=tokens.ne(PAD).long(), **more).logits


def fairseq_logits(model: BARTModel, **more: str) -> torch.Tensor:
    with torch.no_grad():
        return model(**batch(), **more)[0]


def randomize(model: torch.nn.Module, seed: int = 3) -> None:
    """Parameters that are all different: biases and layer norms are 0 and 1 at first."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))


class TestToHuggingface:
    @pytest.mark.parametrize(
        "flags",
        [
            {},
            {"activation_fn": "relu", "decoder_layers": "3", "encoder_attention_heads": "2"},
            {"max_source_positions": "100", "max_target_positions": "100"},
        ],
    )
    def test_logits_for_generation(self, build, flags):
        _, task, model, _ = build(**flags)
        randomize(model)
        model.eval()
        converted = to_huggingface(model, task.target_dictionary)
        found = huggingface_logits(converted, decoder_input_ids=batch()["prev_output_tokens"])
        real = batch()["prev_output_tokens"].ne(PAD)  # what stands at padding has no meaning
        torch.testing.assert_close(found[real], fairseq_logits(model)[real], rtol=1e-4, atol=1e-4)

    @pytest.mark.parametrize("name", list(LABELS))
    def test_logits_of_a_head(self, build, name):
        _, _, model, _ = build()
        randomize(model)
        model.eval()
        converted = to_huggingface_classifier(model, name, LABELS[name])
        expected = fairseq_logits(model, classification_head_name=name)
        torch.testing.assert_close(huggingface_logits(converted), expected, rtol=1e-4, atol=1e-4)
        assert converted.config.id2label == dict(enumerate(LABELS[name]))
        assert converted.config.label2id[LABELS[name][1]] == 1

    def test_dropouts_keep_their_places(self, build):
        flags = {"dropout": "0.1", "attention_dropout": "0.2", "activation_dropout": "0.3"}
        _, task, model, _ = build(**flags, pooler_dropout="0.4")
        config = to_huggingface(model, task.target_dictionary).config
        found = config.dropout, config.attention_dropout, config.activation_dropout
        assert (*found, config.classifier_dropout) == (0.1, 0.2, 0.3, 0.4)

    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            ({"encoder_normalize_before": None}, "--encoder-normalize-before True, expected False"),
            ({"activation_fn": "gelu_fast"}, "--activation-fn gelu_fast, expected gelu or relu"),
            ({"pooler_activation_fn": "relu"}, "--pooler-activation-fn relu, expected tanh"),
            ({"max_source_positions": "99"}, "--max-source-positions 99 .* one number for both"),
            ({"encoder_learned_pos": None}, None),
        ],
    )
    def test_other_architectures_are_refused(self, build, flags, message):
        _, task, model, _ = build(**flags)
        if message is None:  # BART's own value of a flag is no reason to refuse
            to_huggingface(model, task.target_dictionary)
            return
        with pytest.raises(UserError, match=message):
            to_huggingface(model, task.target_dictionary)

    def test_embeddings_that_are_not_shared_are_refused(self, build):
        _, task, model, _ = build()
        model.decoder.embed_tokens = torch.nn.Embedding.from_pretrained(
            model.encoder.embed_tokens.weight + 1
        )
        with pytest.raises(UserError, match="expected one for all"):
            to_huggingface(model, task.target_dictionary)


class TestToFairseq:
    def test_there_and_back_is_bit_identical(self, build):
        _, task, model, _ = build()
        randomize(model)
        expected = real_state(model.state_dict())
        found = to_fairseq(
            to_huggingface(model, task.target_dictionary), len(task.target_dictionary)
        )["model"]
        left_out = {key for key in expected if key.startswith("classification_heads.")}
        assert found.keys() == expected.keys() - left_out - {"decoder.output_projection.weight"}
        for key, value in found.items():
            assert torch.equal(value, expected[key]), key

    def test_logits_of_a_new_model_of_transformers(self):
        """In fairseq's own BART, built from the flags of the checkpoint alone."""
        config = small_config(scale_embedding=True, encoder_layers=3)
        torch.manual_seed(1)
        model = transformers.BartForConditionalGeneration(config).eval()
        randomize(model)
        found = load_in_fairseq(to_fairseq(model, model.config.vocab_size))
        logits = huggingface_logits(model, decoder_input_ids=batch()["prev_output_tokens"])
        real = batch()["prev_output_tokens"].ne(PAD)
        torch.testing.assert_close(fairseq_logits(found)[real], logits[real], rtol=1e-4, atol=1e-4)

    @pytest.mark.parametrize(
        ("key", "value", "message"),
        [
            ("activation_function", "silu", "activation_function silu"),
            ("normalize_before", True, "pre-norm"),
            ("eos_token_id", 5, "eos_token_id 5, expected 2"),
            ("decoder_start_token_id", 0, "decoder_start_token_id 0, expected 2"),
        ],
    )
    def test_other_configurations_are_refused(self, key, value, message):
        config = small_config()
        setattr(config, key, value)
        with pytest.raises(UserError, match=message):
            fairseq_args(config)

    def test_other_parameters_are_refused(self):
        model = transformers.BartForConditionalGeneration(small_config())
        model.final_logits_bias[0, 5] = 1
        with pytest.raises(UserError, match="final_logits_bias"):
            to_fairseq(model, model.config.vocab_size)
        model.final_logits_bias.zero_()
        model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight + 1)
        with pytest.raises(UserError, match="for encoder, decoder or lm_head"):
            to_fairseq(model, model.config.vocab_size)


def small_config(**changes: object) -> "transformers.BartConfig":
    sizes = {"d_model": 16, "encoder_ffn_dim": 32, "decoder_ffn_dim": 24, "vocab_size": 30}
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 4}
    layers = {"encoder_layers": 2, "decoder_layers": 1, "max_position_embeddings": 50}
    return transformers.BartConfig(**{**sizes, **heads, **layers, **changes})


def load_in_fairseq(checkpoint: dict) -> BARTModel:
    """What fairseq makes of a checkpoint's flags and parameters."""
    dictionary = Dictionary()
    rows = len(checkpoint["model"]["encoder.embed_tokens.weight"])
    for number in range(rows - len(dictionary)):
        dictionary.add_symbol(f"w{number}")

    class Task:
        source_dictionary = target_dictionary = dictionary

    args = checkpoint["args"]
    ARCH_CONFIG_REGISTRY[args.arch](args)
    model = BARTModel.build_model(args, Task())
    model.load_state_dict(checkpoint["model"], strict=True)
    return model.eval()


class TestGeneration:
    def test_config(self, shared_model):
        dictionary = shared_model.encoder.dictionary  # 4 special symbols, 40 words, <mask>
        config = generation_config(shared_model, dictionary)
        assert (config.num_beams, config.no_repeat_ngram_size) == (5, 3)
        assert config.max_length == 65  # </s>, then the 64 tokens of --max-target-length
        assert config.bad_words_ids == [[BOS], [PAD], [44]]
        assert (config.decoder_start_token_id, config.forced_bos_token_id) == (EOS, BOS)

    def test_fillers_are_never_generated(self, shared_model):
        dictionary = Dictionary()
        for symbol in ("a", "madeupword0000", "b", "madeupword0001", "<mask>"):
            dictionary.add_symbol(symbol)
        config = generation_config(shared_model, dictionary)
        assert config.bad_words_ids == [[BOS], [PAD], [5], [7], [8]]

    def test_beam_search_is_that_of_the_task(self, build):
        """But for the scores of the two tokens that are forced, which transformers sets to 0."""
        _, task, model, _ = build(max_target_length="20")
        randomize(model, seed=11)
        rng = random.Random(1)
        rows = [[BOS, *rng.choices(range(4, 44), k=rng.randint(1, 9)), EOS] for _ in range(60)]
        sample = {"net_input": batch(rows)}
        search = Namespace(beam=5, no_repeat_ngram_size=3)
        expected = task.inference_step(task.build_generator([model], search), [model], sample)
        best = [hypotheses[0]["tokens"].tolist() for hypotheses in expected]
        # Otherwise agreement would be cheap.
        assert len(set(map(tuple, best))) > 20
        assert len(set(map(len, best))) > 2

        class KeepForcedScores(transformers.LogitsProcessor):
            def __call__(self, tokens: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
                forced = {1: [BOS], 20: [EOS]}.get(tokens.size(1), range(1, scores.size(1)))
                result = torch.full_like(scores, -math.inf)
                result[:, forced] = scores[:, forced]
                return result

        converted = to_huggingface(model, task.target_dictionary)
        tokens = sample["net_input"]["src_tokens"]
        found = converted.generate(
            tokens,
            attention_mask=tokens.ne(PAD).long(),
            forced_bos_token_id=None,
            forced_eos_token_id=None,
            bad_words_ids=[[PAD], [44]],
            logits_processor=transformers.LogitsProcessorList([KeepForcedScores()]),
        )
        assert [[n for n in row[1:] if n != PAD] for row in found.tolist()] == best
