"""Multi-task BART for emotion-aware dialogue: a fairseq plugin (`--user-dir emo_mtl`)."""

from typing import Any

from emo_mtl.errors import show_in_one_line
from emo_mtl.registration import register_with_fairseq

__all__ = ["EmoBART"]

show_in_one_line()
register_with_fairseq()


def __getattr__(name: str) -> Any:
    """`EmoBART`, imported when it is asked for: torch and fairseq take seconds."""
    if name == "EmoBART":
        from emo_mtl.inference.hub_interface import EmoBART

        return EmoBART
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
