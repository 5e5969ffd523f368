"""The embeddings of a WordPiece vocabulary, carried over to the symbols of another BPE."""

import json
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from fairseq.data import Dictionary
from fairseq.data.encoders.gpt2_bpe_utils import bytes_to_unicode
from torch import Tensor

from emo_mtl.errors import UserError
from emo_mtl.huggingface.tokenizer import FILLER, MASK

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

WORD_START = "▁"  # SentencePiece's mark of a space
INSIDE = "##"  # WordPiece's mark of a piece that does not begin a word


class Carried(NamedTuple):
    """Embeddings of a vocabulary, and where those of its units of text are from."""

    rows: Tensor  # V x C
    own: int  # units that are a WordPiece
    mean: int  # that are several
    unknown: int  # whose text WordPiece does not know: they have the row of its unknown piece


def carry_over(
    dictionary: Dictionary, bpe: Namespace, tokenizer: "PreTrainedTokenizerBase", embedding: Tensor
) -> Carried:
    """A row for each symbol, from the WordPieces that its text consists of.

    Special symbols take the rows of those of the same purpose: `<s>` that of `[CLS]`, `</s>` of `[SEP]`.

    Args:
        dictionary: with `<mask>`
        bpe: fairseq's flags of its BPE, see `emo_mtl.inference.bpe.find`
        tokenizer: of the encoder, a fast one of transformers
        embedding: of the WordPieces, rows x C

    Raises:
        UserError: a tokenizer without BERT's special tokens
    """
    special = {
        dictionary.bos_word: tokenizer.cls_token_id,
        dictionary.pad_word: tokenizer.pad_token_id,
        dictionary.eos_word: tokenizer.sep_token_id,
        dictionary.unk_word: tokenizer.unk_token_id,
        MASK: tokenizer.mask_token_id,
    }
    if missing := [symbol for symbol, number in special.items() if number is None]:
        raise UserError(
            f"the tokenizer has no token for {', '.join(missing)}, expected BERT's [CLS], [PAD], [SEP], "
            "[UNK] and [MASK]: take the tokenizer of this model"
        )
    texts = gpt2_texts(Path(bpe.gpt2_encoder_json)) if bpe.bpe == "gpt2" else {}
    vocabulary = tokenizer.get_vocab()
    rows, counts = [], {"own": 0, "mean": 0, "unknown": 0}
    for symbol in dictionary.symbols:
        if symbol in special:
            rows.append(embedding[special[symbol]])
            continue
        if symbol.startswith(FILLER):
            text = ""
        else:
            text = texts.get(symbol, "") if texts else symbol.replace(WORD_START, " ")
        pieces = pieces_of(text, tokenizer, vocabulary)
        counts["unknown" if not pieces else "own" if len(pieces) == 1 else "mean"] += 1
        rows.append(embedding[pieces or [tokenizer.unk_token_id]].mean(dim=0))
    return Carried(torch.stack(rows), **counts)


def pieces_of(
    text: str, tokenizer: "PreTrainedTokenizerBase", vocabulary: Mapping[str, int]
) -> list[int]:
    """The WordPieces of a unit's text; none where there is no text, or one of them is unknown.

    Without a space before it a unit continues a word, if it does not begin with a capital and WordPiece has a
    piece for it inside of words.
    """
    if text.isalpha() and not text[0].isupper():
        normalizer = tokenizer.backend_tokenizer.normalizer
        piece = INSIDE + (normalizer.normalize_str(text) if normalizer else text)
        if piece in vocabulary:
            return [vocabulary[piece]]
    pieces = [vocabulary[piece] for piece in tokenizer.tokenize(text)]
    return [] if tokenizer.unk_token_id in pieces else pieces


def gpt2_texts(encoder_json: Path) -> dict[str, str]:
    """Number of a unit of GPT-2's BPE -> its text, without those that are a part of a character."""
    byte_of = {character: byte for byte, character in bytes_to_unicode().items()}
    texts = {}
    for unit, number in json.loads(encoder_json.read_text("utf-8")).items():
        try:
            texts[str(number)] = bytes(map(byte_of.__getitem__, unit)).decode("utf-8")
        except (KeyError, UnicodeDecodeError):
            continue
    return texts
