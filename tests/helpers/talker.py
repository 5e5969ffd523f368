"""Something to talk to in place of a model."""

from collections.abc import Sequence

from emo_mtl.errors import UserError

Text = str | Sequence[str]


def last(text: Text) -> str:
    """The utterance of a text, which may be a conversation."""
    return text if isinstance(text, str) else text[-1]


class Stub:
    """Stands in for `EmoBART`: says the last turn in capital letters, and cannot answer `bad`."""

    multi_label = ()

    def __init__(self, context_turns: int = 1):
        self.context_turns = context_turns
        self.emotions = ["joy", "fear"]
        self.expects_emotions = False

    def classify(self, texts: Sequence[Text]) -> list[dict[str, dict[str, float]]]:
        if list(map(last, texts)) == ["bad"]:
            raise UserError("bad")
        return [{"e2": {"pos": 0.75, "neg": 0.25}} for _ in texts]

    def respond(self, texts: Sequence[Text], **settings: object) -> list[str]:
        return [last(text).upper() for text in texts]

    def wanted_emotions(self, texts: Sequence[Text], emotion: str | None) -> list[str | None]:
        return [emotion for _ in texts]

    def check_emotion(self, emotion: str) -> None:
        if emotion not in self.emotions:
            raise UserError(f"{emotion}: expected one of {', '.join(self.emotions)}")

    def turns_read(self, conversation: Sequence[str]) -> int:
        return min(self.context_turns, len(conversation))
