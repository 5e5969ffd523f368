"""Embeddings of WordPieces for the symbols of another BPE."""

import json
from argparse import Namespace

import pytest
import torch
from fairseq.data import Dictionary
from fairseq.data.encoders.gpt2_bpe_utils import bytes_to_unicode

from emo_mtl.errors import UserError
from emo_mtl.huggingface.carry_over import carry_over, gpt2_texts
from emo_mtl.huggingface.library import hide_broken_torchaudio

hide_broken_torchaudio()
transformers = pytest.importorskip("transformers", reason="needs the extra emo-mtl[hf]")

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "i", "sing", "##ing", "ing", "s", "'", ","]
PAD, UNK, CLS, SEP, MASK, PRONOUN, SING, INSIDE_ING, ING, S, QUOTE, COMMA = range(len(PIECES))
SPECIAL = {0: CLS, 1: PAD, 2: SEP, 3: UNK}


@pytest.fixture
def tokenizer(tmp_path):
    vocabulary = tmp_path / "vocab.txt"
    vocabulary.write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    return transformers.BertTokenizerFast(str(vocabulary))


def dictionary(*symbols: str) -> Dictionary:
    result = Dictionary()
    for symbol in (*symbols, "<mask>"):
        result.add_symbol(symbol)
    return result


def rows_of(units: dict[str, list[int]]) -> list[list[int]]:
    return [[row] for row in SPECIAL.values()] + list(units.values()) + [[MASK]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_sentencepiece(tokenizer, dtype):
    """A piece of its own, inside of a word or not; the mean of several; none."""
    units = {
        "▁sing": [SING],
        "▁Sing": [SING],  # WordPiece's text is in small letters here
        "ing": [INSIDE_ING],
        "▁ing": [ING],
        "Ing": [ING],  # a capital begins a word
        ",": [COMMA],
        "▁I": [PRONOUN],
        "'s": [QUOTE, S],
        "▁i,": [PRONOUN, COMMA],
        "▁": [UNK],
        "▁xyz": [UNK],
        "▁i☺": [UNK],  # half of it known is not enough
        "madeupword0000": [UNK],
    }
    embedding = torch.randn(len(PIECES), 3, dtype=dtype)
    carried = carry_over(dictionary(*units), Namespace(bpe="sentencepiece"), tokenizer, embedding)
    expected = [embedding[rows].mean(dim=0) for rows in rows_of(units)]
    assert torch.equal(carried.rows, torch.stack(expected))
    assert (carried.own, carried.mean, carried.unknown) == (7, 2, 4)


def test_gpt2(tokenizer, tmp_path):
    """Units are numbers, whose text encoder.json tells; a part of a character has none."""
    character = bytes_to_unicode()
    texts = {"0": " sing", "1": "ing", "2": ",", "3": " i", "4": "'s"}
    encoder = {
        "".join(character[byte] for byte in text.encode()): int(number)
        for number, text in texts.items()
    }
    encoder[character["é".encode()[0]]] = 5
    encoder_json = tmp_path / "encoder.json"
    encoder_json.write_text(json.dumps(encoder), encoding="utf-8")
    assert gpt2_texts(encoder_json) == texts
    embedding = torch.randn(len(PIECES), 3)
    bpe = Namespace(bpe="gpt2", gpt2_encoder_json=str(encoder_json))
    carried = carry_over(dictionary("3", "0", "1", "2", "4", "5"), bpe, tokenizer, embedding)
    units = {
        "3": [PRONOUN],
        "0": [SING],
        "1": [INSIDE_ING],
        "2": [COMMA],
        "4": [QUOTE, S],
        "5": [UNK],
    }
    expected = [embedding[rows].mean(dim=0) for rows in rows_of(units)]
    assert torch.equal(carried.rows, torch.stack(expected))
    assert (carried.own, carried.mean, carried.unknown) == (4, 1, 1)


def test_no_special_tokens(tokenizer):
    tokenizer.mask_token = None
    with pytest.raises(UserError, match="has no token for <mask>"):
        carry_over(
            dictionary("x"), Namespace(bpe="sentencepiece"), tokenizer, torch.zeros(len(PIECES), 1)
        )


def test_a_tokenizer_that_keeps_case(tmp_path):
    vocabulary = tmp_path / "vocab.txt"
    vocabulary.write_text("\n".join([*PIECES, "Sing"]) + "\n", encoding="utf-8")
    cased = transformers.BertTokenizerFast(str(vocabulary), do_lower_case=False)
    embedding = torch.randn(len(PIECES) + 1, 3)
    bpe = Namespace(bpe="sentencepiece")
    rows = carry_over(dictionary("▁sing", "▁Sing"), bpe, cased, embedding).rows
    assert torch.equal(rows[4], embedding[SING])
    assert torch.equal(rows[5], embedding[len(PIECES)])
