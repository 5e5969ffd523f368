"""A conversation with a model, at a terminal or on a page: what is said, its settings, saving it."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emo_mtl.errors import UserError
from emo_mtl.inference.labels import shown_labels
from emo_mtl.io import check_output, write_atomically
from emo_mtl.preparation.dialogues import jsonl

if TYPE_CHECKING:
    from emo_mtl.inference.hub_interface import EmoBART


COMMANDS = """\
/beam N                       beam search of width N: the same answer every time
/sample [NAME=NUMBER ...]     draw the answer at random; NAME is topp, topk or temperature
                              (/sample alone: topp=0.9)
/emotion LABEL|auto|off       answer with an emotion, where the model was trained with some; auto: the one
                              that it expects of the answer; /emotion alone lists them
/history                      what was said so far; a * marks what the next answer will take into account
/save FILE [--overwrite]      write it to a file, as one line of a corpus of dialogues (JSON Lines)
/load FILE                    go on with the conversation of such a file
/reset                        forget it, and go back to the settings at the start
/help                         this text
/quit                         end, as Ctrl-D does; Ctrl-C gives up a line or an answer

An answer takes as many turns into account as the model was trained with (--context-turns): with 1, every
utterance is answered by itself."""

SAMPLING = {"topp": "sampling_topp", "topk": "sampling_topk", "temperature": "temperature"}

NOTHING = "…"  # shown for a response without a word

CONTROL = re.compile(r"[\s\x00-\x1f\x7f-\x9f]")  # a terminal would obey these


@dataclass(frozen=True)
class Turn:
    """An utterance; what was recognised in it and answered, both empty until they are there."""

    text: str
    emotions: dict[str, dict[str, float]]  # head -> label -> probability, the most probable first
    response: str
    read: int = 1  # turns that the response takes into account, the utterance included
    multi_label: Sequence[str] = ()  # heads that may give several labels
    wanted: str | None = None  # emotion that the response was to have
    judged: dict[str, str] = field(default_factory=dict)  # a judge's head -> label of the response

    def best(self) -> dict[str, tuple[str, float]]:
        """Head -> the most probable label and its probability."""
        return {head: next(iter(scores.items())) for head, scores in self.emotions.items()}

    def shown(self) -> dict[str, dict[str, float]]:
        """Head -> the labels to show and their probabilities, see `emo_mtl.inference.labels`."""
        return {
            head: shown_labels(scores, head in self.multi_label)
            for head, scores in self.emotions.items()
        }


def notes(turn: Turn) -> list[str]:
    """What there is to know about a response, in words."""
    read = [f"to the last {turn.read} turns"] if turn.read > 1 else []
    wanted = [f"wanted: {turn.wanted}"] if turn.wanted else []
    return [*read, *wanted, *(f"{head}: {label}" for head, label in turn.judged.items())]


def with_history(turns: Iterable[Turn], text: str) -> list[str]:
    """What was said, and the next utterance: a conversation as `EmoBART` takes it."""
    said: list[str] = []
    for turn in turns:
        answered = turn.response not in ("", NOTHING)
        said += [turn.text, turn.response] if answered else [turn.text]
    return [*said, text]


def reply(
    bart: "EmoBART", turns: Iterable[Turn], text: str, emotion: str | None = None, **settings: Any
) -> Turn:
    """What is recognised in the next utterance of a conversation, and the response on one line.

    Args:
        turns: what was said before
        emotion: that the response is to have, or `auto`; None for no wish
        settings: of `EmoBART.respond`

    Raises:
        UserError: as of `EmoBART.respond`
    """
    said = with_history(turns, text)
    (emotions,) = bart.classify([said])
    (wanted,) = bart.wanted_emotions([said], emotion)
    (response,) = bart.respond([said], emotion=wanted, **settings)
    answer = CONTROL.sub(" ", response).strip()
    return Turn(text, emotions, answer, bart.turns_read(said), bart.multi_label, wanted)


@dataclass
class Conversation:
    """What was said, and the settings of what is said next."""

    bart: "EmoBART"
    start: dict[str, Any]  # settings of `EmoBART.respond`
    settings: dict[str, Any] = field(init=False)
    emotion: str | None = None  # that responses are to have, or `auto`
    turns: list[Turn] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.settings = self.start

    def answer(self, text: str) -> Turn:
        """What is recognised in an utterance, and the response."""
        self.turns.append(reply(self.bart, self.turns, text, self.emotion, **self.settings))
        return self.turns[-1]

    def history(self) -> str:
        """What was said, a turn a line; a `*` where the next response can take it into account."""
        said = [
            f"{speaker}> {part}"
            for turn in self.turns
            for speaker, part in (("you", turn.text), ("bot", turn.response))
            if part
        ]
        if self.bart.context_turns > 1:
            read = self.bart.turns_read(with_history(self.turns, "OK")) - 1  # without the "OK"
            first = len(said) - read
            said = [f"{'*' if i >= first else ' '} {line}" for i, line in enumerate(said)]
        return "\n".join(said) or "nothing was said yet"

    def command(self, line: str) -> str:
        """Obey a line that begins with `/` (but `/quit`), and return what to say about it.

        Raises:
            UserError: no such command, a wrong number, or a file that cannot be written
        """
        name, *values = line.split()
        if name == "/history":
            return self.history()
        if name == "/emotion":
            return self.choose_emotion(values)
        if name in ("/save", "/load"):
            obey = self.save if name == "/save" else self.load
            return obey(line.removeprefix(name).strip())
        if name == "/reset":
            self.settings, self.emotion, self.turns = self.start, None, []
        elif name in ("/beam", "/sample"):
            is_beam = name == "/beam"
            settings = beam_settings(values) if is_beam else sample_settings(values)
            kept = ["no_repeat_ngram_size", *(["mmi_weight"] if is_beam else [])]
            settings |= {key: self.start[key] for key in kept if key in self.start}
            self.bart.build_generator(**settings)
            self.settings = settings
        elif name == "/help":
            return COMMANDS
        else:
            raise UserError(f"found {name}, expected one of the commands:\n{COMMANDS}")
        now = {**self.settings, **({"emotion": self.emotion} if self.emotion else {})}
        return ", ".join(f"{name} {value}" for name, value in now.items())

    def choose_emotion(self, values: list[str]) -> str:
        """Obey `/emotion LABEL`, and return what to say about it."""
        if len(values) != 1:
            known = ", ".join(self.bart.emotions) or "none"
            raise UserError(f"/emotion: expected a label, auto or off; the model knows {known}")
        chosen = None if values[0] == "off" else values[0]
        if chosen is not None:
            self.bart.check_emotion(chosen)
        self.emotion = chosen
        return f"emotion {values[0]}"

    def save(self, arguments: str) -> str:
        """Write the conversation for `/save FILE [--overwrite]`, and return what to say about it."""
        name = arguments.removesuffix("--overwrite").strip()
        if not name or not self.turns:
            raise UserError(
                "/save: found no conversation yet, expected one"
                if name
                else "/save: found no name, expected that of a file, for example /save talk.jsonl"
            )
        try:
            path = Path(name).expanduser()
            check_output(path, overwrite=name != arguments)
            write_atomically(path, dialogue_line(self.turns))
        except (OSError, RuntimeError, ValueError) as error:  # too long, no such home, NUL
            raise UserError(f"/save {name[:40]}: cannot be written ({error})") from error
        return f"{path}: {sum(1 + bool(turn.response) for turn in self.turns)} turns"

    def load(self, name: str) -> str:
        """Take over the conversation of `/load FILE`, and return what to say about it."""
        if not name:
            raise UserError(
                "/load: found no name, expected that of a file, for example /load talk.jsonl"
            )
        try:
            path = Path(name).expanduser()
            if not path.is_file():
                raise UserError(f"/load {name[:40]}: no such file")
            dialogues = jsonl.read(path)
        except (OSError, RuntimeError, ValueError) as error:  # too long, no such home, NUL
            raise UserError(f"/load {name[:40]}: cannot be read ({error})") from error
        if len(dialogues) != 1:
            raise UserError(
                f"/load {name}: found {len(dialogues)} conversations, expected one line"
            )
        texts = [CONTROL.sub(" ", turn.text) for turn in dialogues[0]]
        turns: list[Turn] = []
        for text, response in zip_longest(texts[::2], texts[1::2], fillvalue=""):
            (emotions,) = self.bart.classify([with_history(turns, text)])
            turns.append(Turn(text, emotions, response, multi_label=self.bart.multi_label))
        self.turns = turns
        return f"{name}: {len(texts)} turns"


def dialogue_line(turns: Sequence[Turn]) -> str:
    """A conversation as one line of a corpus of dialogues in JSON Lines.

    `{"turns": [{"text": ..., "speaker": "you", "emotion": ...}, {"text": ..., "speaker": "bot"}, ...]}`;
    `emotion` is the most probable label of the model's first head, and missing without heads.
    """
    said: list[dict[str, str]] = []
    for turn in turns:
        you = {"text": turn.text, "speaker": "you"}
        for label, _ in list(turn.best().values())[:1]:
            you["emotion"] = label
        said += [you, *([{"text": turn.response, "speaker": "bot"}] if turn.response else [])]
    return json.dumps({"turns": said}, ensure_ascii=False) + "\n"


def beam_settings(values: list[str]) -> dict[str, Any]:
    """`["5"]` -> the settings of `/beam 5`."""
    if len(values) != 1 or not re.fullmatch(r"\d{1,4}", values[0]):
        found = " ".join(values)[:40]
        raise UserError(f"/beam {found}: expected a whole number up to 9999, for example /beam 5")
    return {"beam": int(values[0])}


def sample_settings(values: list[str]) -> dict[str, Any]:
    """`["topk=10"]` -> the settings of `/sample topk=10`."""
    settings: dict[str, Any] = {"beam": 1, "sampling": True}
    for value in values or ["topp=0.9"]:
        name, _, number = value.partition("=")
        try:
            settings[SAMPLING[name]] = int(number) if name == "topk" else float(number)
        except (KeyError, ValueError) as error:
            raise UserError(
                f"/sample: found {value}, expected NAME=NUMBER with {', '.join(SAMPLING)} as the name"
            ) from error
    return settings
