"""The settings of `EmoBART.respond`: each of fairseq's `GenerationConfig` works, or is refused in a line."""

from collections.abc import Mapping
from dataclasses import fields
from numbers import Integral, Real
from typing import Any

from fairseq.dataclass.configs import GenerationConfig

from emo_mtl.errors import UserError

INTEGER = 2**31 - 1  # larger ones do not fit everywhere; no setting has a use for them
REASONS = {  # why a setting is refused that fairseq's commands take
    "nbest": "one answer is returned for each text",
    "max_len_a": "fairseq would multiply it by the longest text of the batch; give max_len_b",
    "match_source_len": "an answer has a length of its own",
}
NEEDS = {
    "sampling_topk": "sampling",
    "sampling_topp": "sampling",
    "diverse_beam_strength": "diverse_beam_groups",
}
EXCLUDES = (
    ("sampling_topk", "sampling_topp"),
    ("sampling", "diverse_beam_groups"),
    ("sampling", "diversity_rate"),
    ("diverse_beam_groups", "diversity_rate"),
    ("unnormalized", "lenpen"),
)


def generation_config(
    settings: Mapping[str, Any], vocabulary: int, longest: int
) -> GenerationConfig:
    """fairseq's config of generation with checked settings.

    A setting that is refused may be given with fairseq's default, which asks for nothing.

    Args:
        vocabulary: symbols of the dictionary
        longest: tokens of the longest answer, `<s>` included and `</s>` not

    Raises:
        UserError: a setting that does not exist, has no effect here, is out of its range, or does not go
            together with another
    """
    ranges: dict[str, tuple[type, float, float]] = {
        # twice as many candidates as the beam size are looked at, of which none is <pad>
        "beam": (int, 1, (vocabulary - 1) // 2),
        "max_len_b": (int, 2, INTEGER),  # the first token is <s>
        "no_repeat_ngram_size": (int, 0, INTEGER),
        "lenpen": (float, -10, 10),  # of the length's exponent: float32 holds no more
        "unkpen": (float, -1e4, 1e4),
        "temperature": (float, 1e-3, 1e3),
        "unnormalized": (bool, False, True),
        "sampling": (bool, False, True),
        "sampling_topk": (int, 1, vocabulary),
        "sampling_topp": (float, 1e-6, 1),
        "diverse_beam_groups": (int, 1, INTEGER),
        "diverse_beam_strength": (float, 0, 1e4),
        "diversity_rate": (float, 0, 1e4),
    }
    defaults = {field.name: field.default for field in fields(GenerationConfig)}
    given = {name for name, value in settings.items() if value is not False}
    for name, value in settings.items():
        if name == "min_len":
            continue
        if name in ranges:
            check_range(name, value, *ranges[name])
        elif name not in defaults:
            usable = ", ".join(sorted([*ranges, "min_len"]))
            raise UserError(f"found the setting {name!r}, expected one of {usable}")
        elif value is not defaults[name] and value != defaults[name]:
            reason = REASONS.get(name, "it has no effect on the answers that are returned")
            raise UserError(f"{name}: found {value!r}, expected it to be left out: {reason}")
        if name in given and name in NEEDS and NEEDS[name] not in given:
            raise UserError(f"{name}: found no {NEEDS[name]}, expected it beside: give both")
    if "min_len" in settings:  # its range depends on another setting
        high = min(longest, settings.get("max_len_b", longest))
        check_range("min_len", settings["min_len"], int, 1, high)
    for one, other in EXCLUDES:
        if one in given and other in given:
            raise UserError(f"{one}: found {other} beside it, expected one of them: leave one out")
    groups = settings.get("diverse_beam_groups", 1)
    if settings["beam"] % groups:
        raise UserError(
            f"diverse_beam_groups: found {groups}, expected a number that divides the beam of "
            f"{settings['beam']}"
        )
    return GenerationConfig(**settings)


def check_range(name: str, value: Any, kind: type, low: float, high: float) -> None:
    """Raise `UserError` where a value is not of a kind (int, float or bool) within a range, ends included."""
    words = {int: "a whole number", float: "a number", bool: "True or False"}[kind]
    numbers = {int: Integral, float: Real, bool: bool}[kind]
    right = isinstance(value, numbers) and isinstance(value, bool) == (kind is bool)
    if not right or not low <= value <= high:
        ends = "" if kind is bool else f" from {low:,} to {high:,}"
        raise UserError(f"{name}: found {value!r}, expected {words}{ends}")
