"""A BART from the layers of a BERT, against transformers' own."""

from argparse import Namespace

import pytest
import torch
from fairseq.data import Dictionary
from fairseq.models import ARCH_CONFIG_REGISTRY
from fairseq.models.bart.model import BARTModel
from torch import nn

from emo_mtl.errors import UserError
from emo_mtl.huggingface.library import hide_broken_torchaudio
from emo_mtl.huggingface.warm_start import shape_flags, warm_start
from emo_mtl.models.emo_bart import EmoBARTModel

hide_broken_torchaudio()
transformers = pytest.importorskip("transformers", reason="needs the extra emo-mtl[hf]")

BOS, PAD, EOS = 0, 1, 2
VOCABULARY = 20
SHAPE = {
    "vocab_size": 12,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 24,
    "max_position_embeddings": 40,
}


def make_bert(**flags):
    """A BERT whose parameters are all different; at first its biases and layer norms are 0 and 1."""
    torch.manual_seed(1)
    config = transformers.BertConfig(**{**SHAPE, **flags})
    bert = transformers.BertModel(config, add_pooling_layer=False).eval()
    with torch.no_grad():
        for parameter in bert.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return bert


def make_bart(content) -> BARTModel:
    """The model of a checkpoint, as fairseq builds it from its flags and loads it."""
    dictionary = Dictionary()
    for number in range(VOCABULARY - 5):
        dictionary.add_symbol(f"w{number}")
    dictionary.add_symbol("<mask>")
    args = Namespace(**vars(content["args"]))
    ARCH_CONFIG_REGISTRY["bart_large"](args)
    args.max_source_length = args.max_target_length = 40
    task = Namespace(source_dictionary=dictionary, target_dictionary=dictionary)
    model = EmoBARTModel.build_model(args, task).eval()
    model.load_state_dict(dict(content["model"]), strict=True)
    return model


@pytest.fixture
def pair():
    bert = make_bert()
    rows = torch.randn(VOCABULARY, 16)
    return bert, make_bart(warm_start(bert.config, bert.state_dict(), rows)), rows


def test_encoder_states(pair):
    """Those of transformers, after every layer, where the epsilon of the layer norms is the same."""
    bert, bart, rows = pair
    for module in bert.modules():
        if isinstance(module, nn.LayerNorm):
            module.eps = 1e-5
    tokens = torch.tensor([[BOS, 5, 6, 7, 8, EOS], [BOS, 9, EOS, PAD, PAD, PAD]])
    real = tokens.ne(PAD)
    with torch.no_grad():
        expected = bert(
            inputs_embeds=rows[tokens], attention_mask=real.long(), output_hidden_states=True
        ).hidden_states
        found = bart.encoder(tokens, real.sum(1), return_all_hiddens=True)["encoder_states"]
    assert len(found) == len(expected) == 1 + SHAPE["num_hidden_layers"]
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours.transpose(0, 1)[real], theirs[real], rtol=1e-5, atol=1e-5)


def test_decoder_begins_as_the_encoder(pair):
    """The same layers; attention to the source as that to itself; nothing shared but the embeddings."""
    _, bart, rows = pair
    encoder, decoder = bart.encoder.state_dict(), bart.decoder.state_dict()
    assert torch.equal(decoder.pop("output_projection.weight"), rows)
    for key, value in decoder.items():
        other = key.replace("encoder_attn", "self_attn")
        assert torch.equal(value, encoder[other]), key
    assert any("encoder_attn" in key for key in decoder)
    with torch.no_grad():
        bart.encoder.layers[0].fc1.weight.zero_()
        bart.decoder.layers[0].self_attn.q_proj.weight.zero_()
    assert bart.decoder.layers[0].fc1.weight.any()
    assert bart.decoder.layers[0].encoder_attn.q_proj.weight.any()


def test_parameters_of_a_checkpoint_are_not_shared():
    """But for the embeddings: a file with one tensor under two names would be loaded as one."""
    bert = make_bert()
    content = warm_start(bert.config, bert.state_dict(), torch.randn(VOCABULARY, 16))
    embeddings = {"encoder.embed_tokens.weight", "decoder.embed_tokens.weight"}
    others = [
        value.data_ptr()
        for key, value in content["model"].items()
        if key not in embeddings and not key.endswith("version")
    ]
    assert len(set(others)) == len(others)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"hidden_act": "relu"}, "found hidden_act 'relu', expected 'gelu'"),
        ({"is_decoder": True}, "found is_decoder True, expected False"),
    ],
)
def test_another_encoder(flags, message):
    config = transformers.BertConfig(**SHAPE, **flags)
    with pytest.raises(UserError, match=message):
        warm_start(config, {}, torch.zeros(1, 16))


def test_other_parameters():
    bert = make_bert()
    state = bert.state_dict() | {"encoder.layer.0.adapter.weight": torch.zeros(1)}
    with pytest.raises(UserError, match=r"found a parameter encoder\.layer\.0\.adapter\.weight"):
        warm_start(bert.config, state, torch.zeros(1, 16))


class TestShapeFlags:
    def test_minilm(self):
        args = Namespace()
        ARCH_CONFIG_REGISTRY["emo_bart_minilm"](args)
        args.max_source_positions = args.max_target_positions = 512
        positions = "--max-source-positions 512 --max-target-positions 512"
        assert " ".join(shape_flags(args)) == f"--arch emo_bart_minilm {positions}"

    def test_bert_base(self):
        args = Namespace()
        ARCH_CONFIG_REGISTRY["emo_bart_base"](args)
        args.encoder_layers = args.decoder_layers = 12
        args.max_source_positions = args.max_target_positions = 512
        assert shape_flags(args)[:6] == [
            *("--arch", "emo_bart_base"),
            *("--encoder-layers", "12"),
            *("--decoder-layers", "12"),
        ]
