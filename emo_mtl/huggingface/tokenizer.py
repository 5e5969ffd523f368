"""Tokenizers of transformers that give the numbers of fairseq's BPE and dictionary, and the way back."""

import json
import logging
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairseq.data import Dictionary
from fairseq.data.encoders.gpt2_bpe_utils import bytes_to_unicode

from emo_mtl.errors import UserError
from emo_mtl.huggingface.library import import_transformers

if TYPE_CHECKING:
    from transformers import BartphoTokenizer, BartTokenizer, PreTrainedTokenizerBase

logger = logging.getLogger(__name__)

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]  # numbers 0 to 3, in fairseq and in BART
MASK = "<mask>"
FILLER = "madeupword"  # fairseq-preprocess pads dictionaries with madeupword0000 and so on
END_OF_TEXT = "<|endoftext|>"  # GPT-2's last unit, after 256 bytes and the merges
SETTINGS = {
    "clean_up_tokenization_spaces": False,  # the corpora are written like this : " I know . "
    "split_special_tokens": True,  # the text "</s>" is text, as it is for fairseq
}


# ---- to Hugging Face


def save_sentencepiece_tokenizer(
    folder: Path, dictionary: Dictionary, spm_model: Path, max_length: int
) -> "BartphoTokenizer":
    """SentencePiece itself with fairseq's dictionary, which is what BARTpho's tokenizer is.

    (Tokenizers of the package `tokenizers` break ties between equally probable segmentations
    otherwise than SentencePiece does: one text in some thousands would get other numbers.)

    Args:
        folder: where its files are written
        dictionary: with `<mask>`
        max_length: tokens with `<s>` and `</s>`, to which `truncation=True` cuts

    Raises:
        UserError: no SentencePiece model, or one whose pieces the dictionary does not have
    """
    from sentencepiece import SentencePieceProcessor

    try:
        model = SentencePieceProcessor(model_file=str(spm_model))
    except (OSError, RuntimeError) as error:
        raise UserError(
            f"{spm_model}: found no SentencePiece model ({error}), expected the one that the data was "
            "prepared with"
        ) from error
    numbers = range(model.get_piece_size())
    pieces = {model.id_to_piece(number) for number in numbers if not model.is_control(number)}
    symbols = set(units_of(dictionary))
    if unknown := symbols - pieces:
        raise UserError(
            f"{spm_model}: found no piece {min(unknown)!r}, one of {len(unknown):,} symbols of the "
            "checkpoint's dictionary that it lacks, expected the model that the data was prepared with"
        )
    if missing := pieces - symbols:
        logger.warning(
            f"{spm_model}: the checkpoint's dictionary lacks {len(missing):,} of its pieces, such as "
            f"{min(missing)!r}: they become <unk>, as in training. That is right where fairseq-preprocess "
            "made the dictionary of the texts, and wrong where this is another SentencePiece model"
        )
    dictionary.save(str(folder / "dict.txt"))
    shutil.copyfile(spm_model, folder / "sentencepiece.bpe.model")
    return save_tokenizer(import_transformers().BartphoTokenizer, folder, max_length)


def save_gpt2_tokenizer(
    folder: Path, dictionary: Dictionary, encoder_json: Path, vocab_bpe: Path, max_length: int
) -> "BartTokenizer":
    """BART's tokenizer for a dictionary whose symbols are the numbers of GPT-2's units.

    Args:
        folder: where its files are written
        dictionary: with `<mask>`
        encoder_json: fairseq's `encoder.json`, unit -> number
        vocab_bpe: fairseq's `vocab.bpe`, a merge a line after the first
        max_length: tokens with `<s>` and `</s>`, to which `truncation=True` cuts

    Raises:
        UserError: a file that is not what it should be, or other units than the dictionary's
    """
    try:
        units = {str(n): unit for unit, n in json.loads(encoder_json.read_text("utf-8")).items()}
    except (AttributeError, ValueError) as error:
        raise UserError(
            f"{encoder_json}: found something else ({error}), expected fairseq's encoder.json"
        ) from error
    symbols = set(units_of(dictionary))
    if unknown := symbols - units.keys():
        raise UserError(
            f"{encoder_json}: found no unit {min(unknown)}, one of {len(unknown):,} symbols of "
            "the checkpoint's dictionary that it lacks, expected the file that the data was prepared with"
        )
    if missing := units.keys() - symbols:
        raise UserError(
            f"{encoder_json}: found {len(missing):,} units that the checkpoint's dictionary lacks, "
            "expected all of them, which the tokenizer of transformers needs: the dictionary was made of the "
            "texts (fairseq-preprocess without --srcdict): prepare the data with fairseq's dict.txt, and "
            "train again"
        )
    vocabulary = {units.get(symbol, symbol): n for n, symbol in enumerate(dictionary.symbols)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    shutil.copyfile(vocab_bpe, folder / "merges.txt")
    try:
        return save_tokenizer(import_transformers().BartTokenizerFast, folder, max_length)
    except Exception as error:  # the package tokenizers raises nothing more special
        raise UserError(
            f"{vocab_bpe}: found merges that do not belong to {encoder_json} ({error}), expected "
            "fairseq's vocab.bpe"
        ) from error


def units_of(dictionary: Dictionary) -> list[str]:
    """The symbols that stand for text."""
    return [
        symbol
        for symbol in dictionary.symbols[dictionary.nspecial :]
        if symbol != MASK and not symbol.startswith(FILLER)
    ]


def save_tokenizer(kind: Any, folder: Path, max_length: int) -> Any:
    """A tokenizer of the files in a folder, with its settings saved there too."""
    tokenizer = kind.from_pretrained(folder, model_max_length=max_length, **SETTINGS)
    tokenizer.save_pretrained(folder)
    return tokenizer


# ---- from Hugging Face


def dictionary_of(tokenizer: "PreTrainedTokenizerBase", folder: Path) -> Dictionary:
    """fairseq's dictionary for a BART folder, without `<mask>`; byte-level BPE gets GPT-2's numbers.

    Args:
        tokenizer: of the folder

    Raises:
        UserError: not BART's special tokens, or tokens that a dict.txt cannot hold
    """
    vocabulary = tokenizer.get_vocab()
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    if sorted(vocabulary.values()) != list(range(len(tokens))):
        raise UserError(
            f"{folder}: found a tokenizer whose numbers have gaps or come twice, expected one token for each "
            "number: take the tokenizer of this model"
        )
    if tokens[:4] != SPECIAL or tokens[-1] != MASK:
        raise UserError(
            f"{folder}: found the first tokens {' '.join(tokens[:4])} and the last {tokens[-1]}, expected "
            f"{' '.join(SPECIAL)} and {MASK}: fairseq's BART has its special symbols there"
        )
    names = gpt2_numbers(tokenizer)
    dictionary = Dictionary()
    for token in tokens[4:-1]:
        dictionary.add_symbol(names.get(token, token))
    if len(dictionary) != len(tokens) - 1 or any(" " in symbol for symbol in dictionary.symbols):
        raise UserError(
            f"{folder}: found tokens with spaces or the same token twice, which a dict.txt cannot hold, "
            "expected a byte-level BPE or a SentencePiece tokenizer"
        )
    return dictionary


def gpt2_numbers(tokenizer: "PreTrainedTokenizerBase") -> dict[str, str]:
    """Unit -> GPT-2's number of it, for byte-level BPE; empty for other tokenizers.

    The numbers follow from the merges: GPT-2 numbers its bytes first, then the merges in their order.
    """
    if not tokenizer.is_fast:
        return {}
    model: dict[str, Any] = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    if model["type"] != "BPE":
        return {}
    merged = ["".join(merge) for merge in model["merges"]]
    units = [*bytes_to_unicode().values(), *merged, END_OF_TEXT]
    return {unit: str(number) for number, unit in enumerate(units)}
