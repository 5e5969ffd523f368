"""The model card (README.md) of an exported model."""

import json
from collections.abc import Mapping, Sequence

from emo_mtl.data.emotions import Emotions, words_of
from emo_mtl.formats import markdown as md
from emo_mtl.inference.text import Writing
from emo_mtl.models.emo_bart import EmoBARTModel
from emo_mtl.names import RESPONSE
from emo_mtl.preparation.licences import PUBLISHED

OWN = "describe it here", "state its licence here"

CARD = """\
---
library_name: transformers
pipeline_tag: text2text-generation
tags:
- bart
- dialogue
- emotion
---

# {title}

BART that answers an utterance{recognises}, trained with [fairseq](https://github.com/facebookresearch/fairseq)
and emo_mtl after Ide and Kawahara (2021), *Multi-Task Learning of Generation and Classification for
Emotion-Aware Dialogue Response Generation*. {encoder_layers} + {decoder_layers} layers of {units:,} units,
{parameters:,} parameters, {symbols:,} symbols, {updates:,} updates.

## Use

```python
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained({folder})
model = AutoModelForSeq2SeqLM.from_pretrained({folder})
inputs = tokenizer(["I lost my keys ."], padding=True, truncation=True, return_tensors="pt")
outputs = model.generate(**inputs)  # beam 5, no trigram twice: generation_config.json
print(tokenizer.batch_decode(outputs, skip_special_tokens=True))
```
{conversation}
With transformers 4 the pipeline `text2text-generation` does the same; transformers 5 has no such pipeline.
{classify}
{text}

## Training data

{corpora}

Terms of the data may bind a model trained on it: CC BY-NC-SA, for one, allows no commercial use.

## Intended use

Research on dialogue and on the recognition of emotions in text.

**Not** for counselling, therapy, crisis help or any medical, legal or financial advice; not for judging
real people by their messages; not for decisions about anyone; not unsupervised in front of the public.

## Limits

- **It understands nothing.** Responses are likely words: they may be wrong, off the subject or hurtful, and
  may answer distress with cheerfulness. Nothing filters them.
- **Emotional language.** It imitates empathy that nobody feels; users must know that they talk to a program.
- **Biased corpora.** Scripted dialogues, film reviews and tweets of one time and region carry their
  writers' stereotypes; other dialects, ages and cultures are recognised worse.
- **Labels are coarse.** {coarse} Probabilities are not calibrated.
- **Short memory.** It sees {turns} and at most {max_length} tokens.
- **One language**, that of the training data.
"""

CLASSIFY = """
```python
from transformers import pipeline

classify = pipeline("text-classification", {folder})
print(classify("I lost my keys .", truncation=True))
```

{heads}
"""

ONE_LABEL = """\
One label an utterance, given without the dialogue before it; irony, mixed feelings
  and absent emotions are forced into one of the classes."""

SOME_LABELS = """\
They were given without the dialogue before the utterance; irony and absent emotions are
  forced into the classes."""

SEVERAL = """
An utterance may have several labels of {head}: each has a probability of its own (sigmoid of its logit, as
`problem_type` in config.json says), and those of 0.5 or more are recognised.

```python
classify = pipeline("text-classification", {folder}, top_k=None)
print([found for found in classify("I lost my keys .", truncation=True) if found["score"] >= 0.5])
```
"""

READ = """
{trained}

```python
import torch


def encode(text):
    return tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]


def read(turns{argument}):  # what was said, the utterance to answer last
    ids = list(map(encode, turns[-{turns}:]))
    while len(ids) > 1 and sum(len(turn) + 1 for turn in ids) >= {room}:
        del ids[0]
    tokens = [token for turn in ids for token in (*turn, tokenizer.eos_token_id)][:-1]
    tokens = tokens[: {room} - 2]
{wanted}    return [tokenizer.bos_token_id, *tokens, tokenizer.eos_token_id]


inputs = torch.tensor([read({example})])
outputs = model.generate(inputs)
print(tokenizer.batch_decode(outputs, skip_special_tokens=True))
```
"""

TURNS = """\
It was trained with the last {turns} turns of a conversation. Each ends in `</s>`; the oldest are left out
where there are more than {max_length} tokens. The tokenizer reads one at a time; they are joined here."""

WANTED = """\
    if emotion:
        tokens = [*encode(emotion), tokenizer.eos_token_id, *tokens]
"""

EMOTIONS = """\
It can be asked for an answer of an emotion, whose words stand in front as a turn of their own: {emotions}.
Without one it answers as it likes."""

SAID = ["I lost my keys .", "Where did you see them last ?", "At home ."]

TEXT = """\
## Text

An utterance, written as the training data is: the tokenizer does not bring typed text there, emo_mtl does.

```python
from emo_mtl.inference.text import Writing, as_people_write

writing = {{
{writings}
}}
print(writing["response"].normalize("I can't believe it!"))  # {example}: an input of the model
print(as_people_write("I 'm so happy ."))  # and back: I'm so happy.
```"""


def model_card(
    name: str,
    model: EmoBARTModel,
    heads: Mapping[str, Sequence[str]],
    updates: int,
    writings: Mapping[str, Writing],
    corpora: Mapping[str, Sequence[str]],
    turns: int,
    emotions: Emotions,
    multi_label: Sequence[str] = (),
) -> str:
    """The content of README.md.

    Args:
        name: of the exported folder
        heads: labels of each classification task
        updates: how many the model was trained for
        writings: how the corpus of each task writes, where that is known
        corpora: names of the corpora of each task, where they are known
        turns: of a conversation, that an input has
        emotions: that an answer can be asked for
        multi_label: the tasks whose heads may give several labels
    """
    rows = [
        [md.code(f"{name}/{task}"), ", ".join(map(md.text, labels))]
        for task, labels in heads.items()
    ]
    classify = CLASSIFY.format(
        folder=_python(f"{name}/{next(iter(heads), '')}"),
        heads=md.table(["folder", "labels"], rows, texts=2),
    ) + "".join(
        SEVERAL.format(head=md.text(task), folder=_python(f"{name}/{task}")) for task in multi_label
    )
    max_length = model.args.max_source_length
    described = [
        [md.text(task), *(PUBLISHED.get(corpus) or (f"{corpus}: {OWN[0]}".lstrip(": "), OWN[1]))]
        for task in [RESPONSE, *heads]
        for corpus in corpora.get(task, [""])
    ]
    return CARD.format(
        title=md.text(name),
        folder=_python(name),
        recognises=" and recognises its emotion" if heads else "",
        encoder_layers=model.args.encoder_layers,
        decoder_layers=model.args.decoder_layers,
        units=model.args.encoder_embed_dim,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        symbols=len(model.encoder.dictionary),
        updates=updates,
        max_length=max_length,
        turns=f"the last {turns} turns" if turns > 1 else "no earlier turns",
        conversation=reading_section(turns, max_length, emotions),
        classify=classify if heads else "",
        coarse=SOME_LABELS if multi_label else ONE_LABEL,
        text=text_section(writings),
        corpora=md.table(["task", "corpus", "terms"], described, texts=3),
    )


def reading_section(turns: int, max_length: int, emotions: Emotions) -> str:
    """How turns and a wanted emotion become an input; nothing where an utterance by itself is one.

    Args:
        max_length: of an input, in tokens
    """
    words = list(map(words_of, emotions.tokens))
    parts = []
    if turns > 1:
        parts.append(TURNS.format(turns=turns, max_length=max_length))
    if words:
        parts.append(EMOTIONS.format(emotions=", ".join(map(md.text, words))))
    if not parts:
        return ""
    said = ", ".join(map(_python, SAID[-min(turns, 3) :]))
    return READ.format(
        trained="\n\n".join(parts),
        turns=turns,
        room=max_length - emotions.room,
        argument=", emotion=None" if words else "",
        wanted=WANTED if words else "",
        example=f"[{said}]" + (f", {_python(words[-1])}" if words else ""),
    )


def text_section(writings: Mapping[str, Writing]) -> str:
    """How text must be written for the model."""
    if RESPONSE not in writings:
        return "Text is expected as the training data has it."
    return TEXT.format(
        writings="\n".join(f"    {_python(name)}: {value}," for name, value in writings.items()),
        example=writings[RESPONSE].normalize("I can't believe it!"),
    )


def _python(text: str) -> str:
    """A text in Python code, which it cannot end."""
    return json.dumps(text, ensure_ascii=False)
