"""A conversation with a model: what `emo-mtl chat` and `emo-mtl demo` keep of it, and how it is saved."""

import json
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Turn:
    """An utterance; what was recognised in it and answered, both empty until they are there."""

    text: str
    emotions: dict[str, dict[str, float]]  # head -> label -> probability, the most probable first
    response: str

    def best(self) -> dict[str, tuple[str, float]]:
        """Head -> the most probable label and its probability."""
        return {head: next(iter(scores.items())) for head, scores in self.emotions.items()}


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
        said += [you, {"text": turn.response, "speaker": "bot"}]
    return json.dumps({"turns": said}, ensure_ascii=False) + "\n"
