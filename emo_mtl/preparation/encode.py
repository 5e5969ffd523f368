"""Subword encoders and their dictionaries, built on the classes that fairseq-generate decodes with.

GPT-2 BPE is read from local files and never downloaded; SentencePiece is trained here, or given.
fairseq is imported late: a run with nothing to do should not wait for it (4 s).
"""

import io
import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import sentencepiece
from tqdm import tqdm

from emo_mtl.errors import UserError
from emo_mtl.inference.bpe import GPT2_FILES
from emo_mtl.io import read_lines, read_text

GPT2_URL = "https://dl.fbaipublicfiles.com/fairseq/gpt2_bpe/"

# The threads' sums are added in a fixed order, so that the model depends on their number: it must
# not come from the machine or from --workers.
TRAINING_THREADS = 4

Encode = Callable[[str], str]


def check_gpt2_files(folder: Path) -> None:
    """Check that `folder` has fairseq's three GPT-2 files, and that they belong together.

    Raises:
        UserError: a file is missing, or dict.txt lacks a unit of encoder.json.
    """
    for name in GPT2_FILES:
        if not (folder / name).is_file():
            raise UserError.at(
                folder / name,
                found="no such file",
                expected=f"fairseq's {', '.join(GPT2_FILES)}",
                fix=f"download the three from {GPT2_URL} into --gpt2-bpe-dir",
            )
    known = vocabulary(folder / "dict.txt")
    try:
        units = json.loads(read_text(folder / "encoder.json")).values()
    except (AttributeError, ValueError, RecursionError) as error:
        raise UserError.at(
            folder / "encoder.json",
            found=f"something else ({error})",
            expected="a JSON object: unit -> number",
            fix=f"download it again from {GPT2_URL}encoder.json",
        ) from error
    missing = [unit for unit in units if str(unit) not in known]
    if missing:
        raise UserError.at(
            folder / "dict.txt",
            found=f"no entry for {len(missing)} units of encoder.json, such as {missing[0]}",
            expected="fairseq's dict.txt for GPT-2 BPE",
            fix=f"download it again from {GPT2_URL}dict.txt",
        )


def load_gpt2(folder: Path) -> Encode:
    """Return the encoder of `--bpe gpt2`: a text becomes unit numbers joined by spaces."""
    from fairseq.data.encoders.gpt2_bpe import GPT2BPE, GPT2BPEConfig

    files = {"gpt2_encoder_json": "encoder.json", "gpt2_vocab_bpe": "vocab.bpe"}
    config = GPT2BPEConfig(**{key: str(folder / name) for key, name in files.items()})
    encode: Encode = GPT2BPE(config).encode
    return encode


def load_sentencepiece(model: Path) -> Encode:
    """Return the encoder of `--bpe sentencepiece`: a text becomes pieces joined by spaces."""
    from fairseq.data.encoders.sentencepiece_bpe import SentencepieceBPE, SentencepieceConfig

    encode = SentencepieceBPE(SentencepieceConfig(sentencepiece_model=str(model))).encode
    return lambda text: encode(plain_spaces(text))


def plain_spaces(text: str) -> str:
    """Turn each white-space character (tab, no-break space, ...) into one space.

    fairseq splits encoded lines at all of them, so that no piece may contain one.
    """
    return re.sub(r"\s", " ", text)


def train_sentencepiece(texts: Iterable[str], vocab_size: int, character_coverage: float) -> bytes:
    """Train a unigram model that keeps texts as they are, and return its file's content.

    Characters outside the coverage become bytes, so that nothing is unknown. Few texts give fewer
    pieces than `vocab_size`. The same texts and numbers give the same bytes.

    Raises:
        UserError: `vocab_size` is too small for the characters of the texts.
    """
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=map(plain_spaces, texts),
            model_writer=model,
            model_type="unigram",
            vocab_size=vocab_size,
            hard_vocab_limit=False,
            character_coverage=character_coverage,
            byte_fallback=True,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            max_sentence_length=1_000_000,  # bytes; longer texts would be left out
            num_threads=TRAINING_THREADS,
            minloglevel=2,
        )
    except RuntimeError as error:
        raise UserError.at(
            f"--vocab-size {vocab_size}",
            found=f"SentencePiece's error {str(error).strip()!r}",
            expected="room for 256 bytes and each character of the texts",
            fix="raise --vocab-size, or lower --character-coverage",
        ) from error
    return model.getvalue()


def sentencepiece_dictionary(model: Path) -> str:
    """Return the content of the dict.txt of a model: its pieces in order, each with count 1.

    Control pieces and <unk> are left out: fairseq adds its own. The order is the model's, so that
    fairseq's ids follow from the model alone.

    Raises:
        UserError: `model` is not a SentencePiece model.
    """
    try:
        processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
    except (OSError, RuntimeError) as error:
        raise UserError.at(
            model,
            found=f"{str(error).strip()}",
            expected="a SentencePiece model",
            fix="give --sentencepiece-model a file that spm_train or this script wrote",
        ) from error
    return "".join(
        f"{processor.IdToPiece(i)} 1\n"
        for i in range(processor.GetPieceSize())
        if not (processor.IsControl(i) or processor.IsUnknown(i))
    )


def vocabulary(dictionary: Path) -> set[str]:
    """Return the symbols of a dict.txt."""
    return {line.rsplit(" ", 1)[0] for line in read_lines(dictionary)}


_encode: Encode  # one a worker process, set by _start_worker


def _start_worker(load: Callable[[], Encode]) -> None:
    global _encode
    _encode = load()


def _encode_one(text: str) -> str:
    return _encode(text)


def start_workers(workers: int, load: Callable[[], Encode]) -> ProcessPoolExecutor:
    """Return a pool of processes for `encode_all`, to be used in a `with` statement.

    Args:
        workers: number of processes.
        load: makes an encoder; called once in each process, since encoders cannot be pickled.
    """
    logging.basicConfig(level=logging.WARNING)  # before fairseq sets it to INFO
    import fairseq  # noqa: F401  once here, instead of once in each process

    return ProcessPoolExecutor(workers, initializer=_start_worker, initargs=(load,))


def encode_all(pool: ProcessPoolExecutor, texts: list[str], name: str) -> Iterator[str]:
    """Yield the encoded texts in order, with a progress bar called `name` on a terminal."""
    encoded = pool.map(_encode_one, texts, chunksize=500)
    yield from tqdm(encoded, total=len(texts), desc=name, unit=" texts", disable=None, leave=False)
