"""The incremental decoder against the decoder's forward pass over whole sequences."""

import pytest
import torch
from fairseq import tasks
from helpers.config import parse_train, train_argv
from helpers.data import WORDS
from torch import nn

from emo_mtl.generation.fast.incremental_decoder import IncrementalDecoder, is_plain

PAD, SYMBOLS = 1, len(WORDS) + 4


def make(data_bin, **flags):
    cfg = parse_train(train_argv(data_bin, classification_tasks="", **flags))
    torch.manual_seed(5)
    model = tasks.setup_task(cfg.task).build_model(cfg.model).eval()
    with torch.no_grad():  # as a trained model, whose biases are not 0
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


PRE_NORM = {"decoder_normalize_before": None, "encoder_normalize_before": None}
SHAPES = {
    "as BART": {},
    "pre-norm": PRE_NORM,
    "relu, 3 layers, 2 heads": {
        **{"activation_fn": "relu", "decoder_layers": "3"},
        **{"decoder_attention_heads": "2", "decoder_ffn_embed_dim": "24"},
    },
}


class TestEqualsForward:
    @pytest.mark.parametrize("flags", SHAPES.values(), ids=SHAPES)
    @pytest.mark.parametrize("padded", [True, False])
    def test_rows_that_branch_and_sentences_that_leave(self, data_bin, flags, padded):
        model = make(data_bin, **flags).double()
        assert is_plain(model.decoder)
        source = torch.randint(4, SYMBOLS, (3, 6))
        if padded:
            source[1, 4:] = PAD
        with torch.no_grad():
            encoder_out = model.encoder(source, torch.tensor([6, 4 if padded else 6, 6]))
            decoder = IncrementalDecoder(model.decoder, encoder_out, length=7)
            tokens = torch.randint(4, SYMBOLS, (3, 2))
            sentence = torch.arange(3)
            features = decoder(tokens)
            self.check(model, source, sentence, tokens, features)
            # two rows of each sentence, then the rows swap, repeat, and sentence 0 leaves
            for rows in ([0, 0, 1, 1, 2, 2], [1, 0, 2, 2, 5, 4], [3, 2, 4, 4], [0, 1, 3, 2]):
                if len(rows) < len(sentence):
                    decoder.select_sentences(torch.tensor([1, 2]))
                decoder.select_rows(torch.tensor(rows))
                tokens = torch.cat([tokens[rows], torch.randint(4, SYMBOLS, (len(rows), 1))], 1)
                sentence = sentence[rows]
                features = decoder(tokens[:, -1:])
                self.check(model, source, sentence, tokens, features)

    def check(self, model, source, sentence, tokens, features):
        lengths = source.ne(PAD).sum(1)[sentence]
        encoder_out = model.encoder(source[sentence], lengths)
        expected, _ = model.decoder(tokens, encoder_out=encoder_out, features_only=True)
        assert torch.allclose(
            features, expected[:, -features.size(1) :], atol=1e-6
        )  # gelu: float32


class TestIsPlain:
    def test_dropout_at_inference(self, data_bin):
        model = make(data_bin, dropout="0.1")
        assert is_plain(model.decoder)
        model.make_generation_fast_(retain_dropout=True)
        assert not is_plain(model.decoder)

    @pytest.mark.parametrize("extra", ["attn_ln", "c_attn", "ffn_layernorm", "w_resid"])
    def test_extras_of_a_layer(self, data_bin, extra):
        model = make(data_bin)
        setattr(model.decoder.layers[1], extra, nn.Parameter(torch.ones(4)))
        assert not is_plain(model.decoder)

    def test_other_projections(self, data_bin):
        """Quantized or pruned ones, and adapters."""
        model = make(data_bin)
        model.decoder.layers[1].encoder_attn.q_proj = nn.Identity()
        assert not is_plain(model.decoder)
