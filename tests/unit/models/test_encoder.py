"""The encoder that does not wait for the GPU, against fairseq's."""

import pytest
import torch
from fairseq import tasks
from fairseq.models.transformer import TransformerEncoderBase
from helpers.config import parse_train, train_argv

from emo_mtl.compat import is_copy, may_take_batch_first

PAD = 1
PRE_NORM = {"encoder_normalize_before": None, "encoder_layers": "3"}


def make(data_bin, **flags):
    cfg = parse_train(train_argv(data_bin, classification_tasks="", **flags))
    torch.manual_seed(5)
    return tasks.setup_task(cfg.task).build_model(cfg.model)


def source(padded: bool) -> tuple[torch.Tensor, torch.Tensor]:
    tokens = torch.arange(4, 22).view(3, 6)
    if padded:
        tokens[1, 4:] = PAD
        tokens[2, 1:] = PAD
    return tokens, tokens.ne(PAD).sum(dim=1)


@pytest.mark.parametrize("flags", [{}, PRE_NORM], ids=["post-norm", "pre-norm"])
@pytest.mark.parametrize("padded", [True, False])
class TestEqualsFairseq:
    def test_states(self, data_bin, flags, padded):
        """Bit by bit, with all that fairseq returns."""
        encoder = make(data_bin, **flags).eval().encoder
        found = encoder(*source(padded), return_all_hiddens=True)
        expected = TransformerEncoderBase.forward(encoder, *source(padded), return_all_hiddens=True)
        assert found.keys() == expected.keys()
        for key, tensors in expected.items():
            assert len(found[key]) == len(tensors)
            for a, b in zip(found[key], tensors, strict=True):
                if b is not None:
                    assert a.dtype == b.dtype
                    assert torch.equal(a, b), key
        assert len(found["encoder_states"]) == 1 + len(encoder.layers)

    def test_gradients(self, data_bin, flags, padded):
        results = []
        for forward in (None, TransformerEncoderBase.forward):
            encoder = make(data_bin, **flags).encoder
            torch.manual_seed(7)  # of dropout
            tokens = source(padded)
            out = encoder(*tokens) if forward is None else forward(encoder, *tokens)
            out["encoder_out"][0].square().sum().backward()
            grads = {name: p.grad for name, p in encoder.named_parameters() if not is_copy(name)}
            results.append(grads.values())
        for ours, theirs in zip(*results, strict=True):
            assert torch.equal(ours, theirs)


def test_given_embeddings(data_bin):
    """`token_embeddings` take the place of those of the tokens, as in fairseq."""
    encoder = make(data_bin).eval().encoder
    tokens, lengths = source(padded=True)
    embeddings = encoder.embed_tokens(tokens.flip(0))
    found = encoder(tokens, lengths, token_embeddings=embeddings)
    expected = TransformerEncoderBase.forward(encoder, tokens, lengths, False, embeddings)
    assert torch.equal(found["encoder_out"][0], expected["encoder_out"][0])
    assert not torch.equal(found["encoder_out"][0], encoder(tokens, lengths)["encoder_out"][0])


def test_asks_for_no_number(data_bin):
    """On the device `meta` tensors hold none: whatever asks for one, on a GPU by waiting, fails."""
    encoder = make(data_bin).to("meta").encoder
    if may_take_batch_first(encoder.layers[0]):
        pytest.skip("fairseq 0.12.2: its own encoder is used")
    tokens, lengths = (tensor.to("meta") for tensor in source(padded=True))
    assert encoder(tokens, lengths)["encoder_out"][0].shape == (
        6,
        3,
        encoder.embed_tokens.embedding_dim,
    )
    with pytest.raises((RuntimeError, NotImplementedError), match=r"meta"):
        TransformerEncoderBase.forward(encoder, tokens, lengths)


def test_layers_that_may_take_batches_first(data_bin, monkeypatch):
    """fairseq 0.12.2's, in evaluation after a checkpoint was loaded: only its own encoder knows when."""
    encoder = make(data_bin).eval().encoder
    calls = []
    monkeypatch.setattr(TransformerEncoderBase, "forward", lambda *inputs: calls.append(inputs))
    monkeypatch.setattr(encoder.layers[0], "BT_version", True, raising=False)
    tokens, lengths = source(padded=True)
    encoder(tokens, lengths, return_all_hiddens=True)
    assert calls == [(encoder, tokens, lengths, True, None)]


def test_retained_dropout_knows_it(data_bin):
    """`--retain-dropout-modules` names a class."""
    encoder = make(data_bin).encoder
    assert encoder.dropout_module.module_name == "TransformerEncoder"
