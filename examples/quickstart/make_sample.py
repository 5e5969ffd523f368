#!/usr/bin/env python3
"""Writes a small made-up sample of the four corpora, in their raw formats.

    python examples/quickstart/make_sample.py OUT [--seed 1]

The real corpora need downloads and licences; this sample needs neither, and a tiny model learns
from it on a CPU within minutes. Every text is composed from the phrases beside this file, so no
score on it says anything about the real corpora. File names and formats are the real ones:

    OUT/dailydialog/{train,validation,test}/dialogues_{train,validation,test}.txt
    OUT/dailydialog/*/dialogues_emotion_*.txt   the number of an emotion for each utterance
    OUT/tec/Jan9-2012-tweets-clean.txt          6 emotions
    OUT/sst2/{train,dev,test}.tsv               2 sentiments; test.tsv has no labels
    OUT/crowdflower/text_emotion.csv            12 emotions and `empty`
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import random
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import phrases
from scenes import SCENES

T = TypeVar("T")

DIALOGUE_PAIRS = {"train": 3000, "validation": 150, "test": 150}
TEC_ROWS = {"anger": 200, "disgust": 160, "fear": 220, "joy": 400, "sadness": 260, "surprise": 260}
SST2_ROWS = {"negative": 860, "positive": 1060}
SST2_DEV, SST2_TEST = 160, 160  # of these rows; train gets the others
CROWDFLOWER_ROWS = {  # half of all but `empty` is kept by the preprocessing
    "anger": 120, "boredom": 120, "empty": 60, "enthusiasm": 120, "fun": 150, "happiness": 260,
    "hate": 130, "love": 210, "neutral": 330, "relief": 140, "sadness": 260, "surprise": 180,
    "worry": 320,
}  # fmt: skip

# DailyDialog's numbers: 1 anger, 2 disgust, 4 happiness, 5 sadness, 6 surprise; 0 for all else, such as the
# comfort that an answer to fear gives
NUMBERS = {
    "anger": 1, "hate": 1, "disgust": 2, "joy": 4, "fun": 4, "enthusiasm": 4, "love": 4, "relief": 4,
    "sadness": 5, "surprise": 6,
}  # fmt: skip

# What a label of few classes covers; what is not here covers itself.
BROAD = {
    "joy": ("joy", "fun", "enthusiasm", "love", "relief"),
    "anger": ("anger", "hate"),
    "fear": ("fear", "worry"),
    "positive": ("joy", "fun", "enthusiasm", "love", "relief", "surprise"),
    "negative": ("anger", "boredom", "disgust", "fear", "hate", "sadness", "worry"),
}

# the same of CrowdFlower's twelve, which has neither disgust nor fear
CROWDFLOWER = {"happiness": ("joy",), "hate": ("hate", "disgust"), "worry": ("worry", "fear")}

OPENERS: dict[str, list[str]] = {"neutral": list(phrases.NEUTRAL_EVENTS)}
for scene in SCENES:
    OPENERS.setdefault(scene.emotion, []).extend(scene.openers)
OPENERS["neutral"] += OPENERS["request"]


class Slots(dict[str, str]):
    """Fills `{slots}` on first use and keeps their values, so that a dialogue hangs together."""

    def __init__(self, rng: random.Random) -> None:
        kin, he, him, his = rng.choice(phrases.KIN)
        super().__init__(kin=kin, he=he, him=him, his=his)
        self.rng = rng

    def __missing__(self, key: str) -> str:
        """`{name2}` is a `{name}` other than the ones in use."""
        used = set(self.values())
        self[key] = self.rng.choice([w for w in phrases.WORDS[key.rstrip("2")] if w not in used])
        return self[key]

    def fill(self, template: str) -> str:
        """Fills in the slots, then sees to a/an and to capitals after a full stop."""
        text = re.sub(r"\b([Aa]) (?=[aeiou]|hon)", r"\1n ", template.format_map(self))
        return re.sub(r"(?<=[.!?] )[a-z]", lambda match: match[0].upper(), text)


def capitalise(text: str) -> str:
    return text[:1].upper() + text[1:]


def distinct(make: Callable[[], T], count: int) -> list[T]:
    """Calls `make` until it has given `count` different values; in the order of their coming."""
    seen: dict[T, None] = {}
    while len(seen) < count:
        seen[make()] = None
    return list(seen)


def tell(rng: random.Random, opener: str, emotion: str) -> str:
    """What happened, in dialogues and in labelled texts alike: to somebody or not, with a feeling or not."""
    if rng.random() < 0.3:
        keep = opener.startswith(("I ", "{"))
        opener = "{name2}, " + (opener if keep else opener[0].lower() + opener[1:])
    if emotion in phrases.FEELINGS:
        feeling = rng.choice(phrases.FEELINGS[emotion])
        if rng.random() < 0.5:
            feeling = feeling.replace("I am ", "I'm ")
        kinds = {
            opener: 4,
            f"{opener} {feeling}{rng.choice(('.', '!'))}": 4,
            f"{feeling}. {opener}": 1,
            f"{feeling}, {opener if opener.startswith('I ') else opener[0].lower() + opener[1:]}": 1,
        }
        opener = rng.choices(list(kinds), weights=list(kinds.values()))[0]
    return opener


# Dialogues -----------------------------------------------------------------------------------


def make_dialogue(rng: random.Random) -> tuple[tuple[str, ...], str]:
    """An opener, a reply that fits its topic and emotion, often an answer and a closing; the emotion."""
    scene = rng.choice(SCENES)
    emotion = scene.emotion
    reply, answer = rng.choice([*scene.turns, *phrases.REPLIES.get(emotion, ())])
    utterances = [
        tell(rng, rng.choice(scene.openers), emotion),
        rng.choice(phrases.REACTIONS[emotion]) + " " + reply,
        answer,
        rng.choice(phrases.CLOSINGS[emotion]),
    ]
    # 2, 3 or 4 utterances: 1, 2 or 3 pairs
    length = rng.choices((2, 3, 4), weights=(4, 4, 2))[0]
    slots = Slots(rng)
    return tuple(capitalise(slots.fill(utterance)) for utterance in utterances[:length]), emotion


def as_dailydialog(dialogue: tuple[str, ...]) -> str:
    """One line as in DailyDialog: `Who is it ? __eou__ It is me . __eou__`."""
    spaced = (re.sub(r"([.,!?])", r" \1", text) for text in dialogue)
    return "".join(f"{text} __eou__ " for text in spaced).replace("'", " \u2019 ").rstrip()


def dialogue_files(rng: random.Random) -> dict[str, str]:
    """The three splits, cut from one list of dialogues that are all different."""
    dialogues = iter(distinct(lambda: make_dialogue(rng), sum(DIALOGUE_PAIRS.values())))
    files = {}
    for split, wanted in DIALOGUE_PAIRS.items():
        lines: list[str] = []
        numbers: list[str] = []
        pairs = 0
        while pairs < wanted:
            dialogue, emotion = next(dialogues)
            lines.append(as_dailydialog(dialogue))
            numbers.append(" ".join([str(NUMBERS.get(emotion, 0))] * len(dialogue)))
            pairs += len(dialogue) - 1
        folder = f"dailydialog/{split}"
        files[f"{folder}/dialogues_{split}.txt"] = "\n".join(lines) + "\n"
        files[f"{folder}/dialogues_emotion_{split}.txt"] = "\n".join(numbers) + "\n"
    return files


# Labelled texts ------------------------------------------------------------------------------


def make_text(rng: random.Random, emotion: str) -> str:
    """A text that shows its emotion by what happened, by what is felt, by both; seldom not."""
    slots = Slots(rng)
    shared = rng.choice(phrases.SHARED_EVENTS)
    if emotion == "empty":
        return capitalise(slots.fill(shared))
    told = tell(rng, rng.choice(OPENERS[emotion]), emotion)
    if emotion == "neutral":
        return capitalise(slots.fill(told if rng.random() < 0.8 else shared))
    feeling = rng.choice(phrases.FEELINGS[emotion])
    other = rng.choice([key for key in phrases.FEELINGS if key != emotion])
    kinds = {
        told: 75,
        f"{shared} {feeling}!": 12,
        # no single word decides these
        f"{shared} Not {phrases.MOODS[other]} at all, {feeling}": 5,
        f"{{name}} says {rng.choice(phrases.FEELINGS[other])}. Not me: {feeling}": 5,
        shared: 3,  # nothing does: real labels are noisy, too
    }
    template = rng.choices(list(kinds), weights=list(kinds.values()))[0]
    return capitalise(slots.fill(template))


def texts_of(rng: random.Random, emotions: tuple[str, ...], count: int) -> list[str]:
    """Different texts, each of one of the emotions."""
    return distinct(lambda: make_text(rng, rng.choice(emotions)), count)


def labelled_texts(
    rng: random.Random, rows: dict[str, int], broad: dict[str, tuple[str, ...]]
) -> list[tuple[str, str]]:
    """Shuffled (label, text); no text twice under a label.

    Args:
        rows: how many texts each label gets
        broad: the emotions of a label that covers others than the one of its name
    """
    texts = []
    for label, count in rows.items():
        texts += [(label, text) for text in texts_of(rng, broad.get(label, (label,)), count)]
    rng.shuffle(texts)
    return texts


# Tweets --------------------------------------------------------------------------------------


def decorate(rng: random.Random, text: str, label: str) -> str:
    """What tweets carry besides words: smiles, lower case, HTML entities."""
    if rng.random() < 0.2:
        text = text.lower()
    if rng.random() < 0.3:
        text = text.replace(" and ", " &amp; ")
    if label == "love" and rng.random() < 0.3:
        return text + " &lt;3"
    if label not in ("neutral", "empty") and rng.random() < 0.2:
        text += " " + rng.choice(phrases.SMILES if label in phrases.PLEASANT else phrases.FROWNS)
    return text


def tec_file(rng: random.Random) -> dict[str, str]:
    """`id:<TAB>text<TAB>:: label`, with leading mentions and trailing hashtags to clean away."""
    lines = []
    number = 135_000_000_000_000_000
    for label, bare in labelled_texts(rng, TEC_ROWS, BROAD):
        number += rng.randrange(1, 10**13)
        text = decorate(rng, bare, label)
        if rng.random() < 0.2:
            text = f"@{rng.choice(phrases.USERS)} {text}"
        tags = rng.sample(phrases.HASHTAGS, rng.choice((0, 0, 0, 1, 2)))
        # the label's own hashtag was cut off the end of the real tweets: a blank remains
        text = " ".join([text, *(f"#{tag}" for tag in tags)]) if tags else text + " "
        lines.append(f"{number}:\t{text}\t:: {label}\n")
    return {"tec/Jan9-2012-tweets-clean.txt": "".join(lines)}


def crowdflower_file(rng: random.Random) -> dict[str, str]:
    """A CSV that quotes only where it must, with lines that end in a bare newline."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("tweet_id", "sentiment", "author", "content"))
    number = 1_956_000_000
    for label, bare in labelled_texts(rng, CROWDFLOWER_ROWS, CROWDFLOWER):
        number += rng.randrange(1, 400)
        author, friend = rng.sample(phrases.USERS, 2)
        text = decorate(rng, bare, label)
        if rng.random() < 0.3:
            text = f"@{friend} {text}"
        writer.writerow((number, label, author, text))
    return {"crowdflower/text_emotion.csv": stream.getvalue()}


# Sentiments ----------------------------------------------------------------------------------


def as_treebank(text: str) -> str:
    """Lower case and tokenised as the Stanford Sentiment Treebank: `i ca n't wait .`."""
    return re.sub(r"(n't|'\w+|[.,!?])", r" \1", text.lower())


def sst2_files(rng: random.Random) -> dict[str, str]:
    """GLUE's three files: phrases end in a blank, except in test.tsv, which has no labels."""
    rows = [
        (int(label == "positive"), text) for label, text in labelled_texts(rng, SST2_ROWS, BROAD)
    ]
    lines = [f"{as_treebank(text)} \t{label}\n" for label, text in rows]
    held_out = SST2_DEV + SST2_TEST
    header = "sentence\tlabel\n"
    test = [f"{index}\t{as_treebank(text)}\n" for index, (_, text) in enumerate(rows[-SST2_TEST:])]
    return {
        "sst2/train.tsv": header + "".join(lines[:-held_out]),
        "sst2/dev.tsv": header + "".join(lines[-held_out:-SST2_TEST]),
        "sst2/test.tsv": "index\tsentence\n" + "".join(test),
    }


# Files ---------------------------------------------------------------------------------------


def make_sample(seed: int) -> dict[str, str]:
    """Path below OUT -> text of the file. A corpus does not depend on the ones before it."""
    files: dict[str, str] = {}
    for make in (dialogue_files, tec_file, sst2_files, crowdflower_file):
        files.update(make(random.Random(f"{make.__name__} {seed}")))
    return files


def write_files(files: dict[str, str], out: Path) -> None:
    """Writes all files beside `out` first, then moves them: a half-written file never shows."""
    out = out.resolve()
    stage = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        for path, text in files.items():
            (stage / path).parent.mkdir(parents=True, exist_ok=True)
            (stage / path).write_bytes(text.encode("utf-8"))
        if not out.exists():
            os.replace(stage, out)
            return
        for path in files:  # other files of the folder are left alone
            (out / path).parent.mkdir(parents=True, exist_ok=True)
            os.replace(stage / path, out / path)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write a small made-up sample of the corpora.")
    parser.add_argument("out", type=Path, metavar="OUT", help="new or empty folder to write to")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other texts (default 1)")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace the sample's files in OUT if it has any"
    )
    args = parser.parse_args(argv)
    if args.out.exists() and not args.out.is_dir():
        parser.error(f"{args.out} is a file: name a folder")
    if args.out.exists() and any(args.out.iterdir()) and not args.overwrite:
        parser.error(f"{args.out} is not empty: name another folder or add --overwrite")
    files = make_sample(args.seed)
    write_files(files, args.out)
    for path, text in files.items():
        print(f"{args.out / path}: {text.count(chr(10)):,} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
