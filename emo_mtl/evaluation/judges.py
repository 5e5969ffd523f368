"""What models that have seen none of the systems say of responses: an encoder of sentences, a language model.

Both are of transformers (extra `judges`), loaded from files; nothing is downloaded. A judge is worth what it
can tell: beside the systems stand the responses of people, those in another order, and their words in
another order.
"""

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from emo_mtl.errors import UserError
from emo_mtl.formats import markdown
from emo_mtl.formats.typed_json import Score
from emo_mtl.huggingface.library import import_transformers
from emo_mtl.inference.text import as_people_write

PEOPLE = "people"
SHUFFLED = "people's responses, shuffled"
SCRAMBLED = "people's words, shuffled"
BATCH = 64  # texts
LONGEST = 256  # tokens of a text that are read

Embed = Callable[[Sequence[str]], NDArray[np.float32]]  # N texts -> N x C, of length 1
Nats = Callable[[Sequence[str]], tuple[NDArray[np.float64], NDArray[np.int64]]]

NOTES = """
to the utterance, to the response: mean cosine of the embeddings with those of the utterance and of the
  response in the data, times 100
perplexity: of the language model, a token, of all responses together, each read by itself as people write it
shuffled responses fit nothing and are as fluent as ever; shuffled words are on the subject and are no
  language: what a judge cannot tell from people, it cannot judge"""


@dataclass(kw_only=True)
class Row:
    """What the judges say of a system: cosines times 100, and perplexity a token."""

    system: str
    to_utterance: Score = math.nan
    to_response: Score = math.nan
    perplexity: Score = math.nan
    responses: int


@dataclass(kw_only=True)
class JudgeScores:
    """What `--json` of `emo-mtl judges` holds."""

    encoder: str | None = None
    language_model: str | None = None
    rows: list[Row]


def judge(
    systems: Mapping[str, Sequence[str]],
    utterances: Sequence[str],
    gold: Sequence[str],
    seed: int,
    embed: Embed | None,
    nats: Nats | None,
) -> list[Row]:
    """A row for each of the controls and of the systems.

    Args:
        systems: name -> N responses
        utterances: N of them
        gold: N responses of people
        seed: of what is shuffled
        embed: the encoder, if asked for
        nats: the language model, if asked for
    """
    rows = []
    compared = [embed(texts) for texts in (utterances, gold)] if embed else []
    for name, responses in {**controls(gold, seed), **systems}.items():
        row = Row(system=name, responses=len(responses))
        if embed:
            found = embed(responses)
            cosines = [100 * float((found * other).sum(axis=1).mean()) for other in compared]
            row.to_utterance, row.to_response = cosines
        if nats:
            total, tokens = nats(responses)
            row.perplexity = math.exp(total.sum() / max(1, tokens.sum()))
        rows.append(row)
    return rows


def controls(gold: Sequence[str], seed: int) -> dict[str, Sequence[str]]:
    """The responses of people; each of another utterance; each with its words in another order."""
    rng = random.Random(seed)
    order = list(range(len(gold)))
    rng.shuffle(order)
    # along a cycle of all: none keeps its place, unless there is only one
    other = dict(zip(order, order[1:] + order[:1], strict=True))
    return {
        PEOPLE: gold,
        SHUFFLED: [gold[other[i]] for i in range(len(gold))],
        SCRAMBLED: [" ".join(rng.sample(words, len(words))) for words in map(str.split, gold)],
    }


def load_encoder(folder: Path) -> Embed:
    """The encoder of a folder, such as `emo-mtl download minilm` makes: the mean of its states, of length 1.

    That is how sentence-transformers' all-MiniLM-L6-v2 embeds.

    Raises:
        UserError: no transformers, or no such model
    """
    model, tokenizer = load(folder, "AutoModel")

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        def mean_state(inputs: dict[str, Tensor]) -> Tensor:
            states = model(**inputs).last_hidden_state  # B x T x C
            real = inputs["attention_mask"].unsqueeze(2)
            mean = (states * real).sum(dim=1) / real.sum(dim=1)
            return torch.nn.functional.normalize(mean, dim=1)

        return torch.cat(list(in_batches(texts, tokenizer, mean_state))).numpy()

    return embed


def load_language_model(path: Path) -> Nats:
    """The language model of a folder or of a .gguf file: nats of each text, and its tokens.

    The first token is predicted from the begin-of-text symbol.

    Raises:
        UserError: no transformers, or no such model
    """
    model, tokenizer = load(path, "AutoModelForCausalLM")
    starts = [n for n in (tokenizer.bos_token_id, tokenizer.eos_token_id) if n is not None][:1]

    def nats(texts: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        def of_batch(inputs: dict[str, Tensor]) -> Tensor:
            logits = model(**inputs).logits[:, :-1].float()  # B x (T - 1) x V
            target = inputs["input_ids"][:, 1:]
            real = inputs["attention_mask"][:, 1:]
            loss = torch.nn.functional.cross_entropy(
                logits.transpose(1, 2), target, reduction="none"
            )
            return torch.stack([(loss * real).sum(dim=1), real.sum(dim=1)], dim=1)

        written = [as_people_write(text) for text in texts]
        found = torch.cat(list(in_batches(written, tokenizer, of_batch, starts))).double().numpy()
        return found[:, 0], found[:, 1].astype(np.int64)

    return nats


def in_batches(
    texts: Sequence[str],
    tokenizer: Any,
    function: Callable[[dict[str, Tensor]], Tensor],
    starts: list[int] | None = None,
) -> Iterator[Tensor]:
    """What a function makes of the tokens of some texts after others (`input_ids`, `attention_mask`), B x T.

    Args:
        starts: numbers in front of each text, instead of the tokenizer's special tokens
    """
    for first in range(0, len(texts), BATCH):
        found = tokenizer(
            list(texts[first : first + BATCH]),
            add_special_tokens=starts is None,
            truncation=True,
            max_length=LONGEST,
        )["input_ids"]
        numbers = [[*(starts or ()), *text] for text in found]
        inputs = tokenizer.pad({"input_ids": numbers}, return_tensors="pt")
        with torch.inference_mode():
            yield function(
                {"input_ids": inputs["input_ids"], "attention_mask": inputs["attention_mask"]}
            )


def load(path: Path, kind: str) -> tuple[Any, Any]:
    """A model of transformers and its tokenizer, which pads on the right.

    Args:
        path: a folder, or a .gguf file
        kind: its class

    Raises:
        UserError: it cannot be loaded
    """
    transformers = import_transformers()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    is_gguf = path.suffix == ".gguf"
    folder, flags = (path.parent, {"gguf_file": path.name}) if is_gguf else (path, {})
    try:
        model = getattr(transformers, kind).from_pretrained(
            folder, local_files_only=True, dtype=torch.float32, **flags
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, **flags
        )
    except Exception as error:  # of many kinds: safetensors', gguf's, torch's, transformers'
        raise UserError(
            f"{path}: cannot be loaded ({error}), expected a model of transformers with its tokenizer, or a "
            ".gguf file (extra emo-mtl[judges])"
        ) from error
    tokenizer.padding_side = "right"
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return model.eval(), tokenizer


def table(scores: JudgeScores) -> str:
    """Markdown: a line for each row, and what the columns mean."""
    header = ["system"]
    if scores.encoder:
        header += ["to the utterance", "to the response"]
    if scores.language_model:
        header.append("perplexity")
    cells = []
    for row in scores.rows:
        numbers = [f"{row.to_utterance:.1f}", f"{row.to_response:.1f}"] if scores.encoder else []
        numbers += [f"{row.perplexity:.1f}"] if scores.language_model else []
        cells.append([markdown.text(row.system), *numbers])
    named = [
        f"{what}: {markdown.text(path)}"
        for what, path in (("encoder", scores.encoder), ("language model", scores.language_model))
        if path
    ]
    return "\n".join([markdown.table(header, cells), "", *named, NOTES.strip()])
