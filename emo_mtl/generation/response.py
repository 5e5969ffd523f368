"""What every response has, whatever the flags: its first `<s>`, its greatest length, what it never holds."""

from collections.abc import Mapping
from typing import Any

from fairseq.data import Dictionary
from torch import Tensor


def limits(dictionary: Dictionary, longest: int) -> dict[str, Any]:
    """What fairseq's `SequenceGenerator` is to keep to, as its arguments.

    Args:
        longest: tokens of a response, with `<s>` and `</s>`
    """
    return {"max_len": longest, "tokens_to_suppress": tuple(never_generated(dictionary))}


def never_generated(dictionary: Dictionary) -> list[str]:
    """Symbols that no response holds: `<s>`, `<mask>`, and fillers of a dictionary, which no BPE can undo."""
    fillers = (symbol for symbol in dictionary.symbols if symbol.startswith("madeupword"))
    return [dictionary[dictionary.bos()], "<mask>", *fillers]


def first_tokens(sample: Mapping[str, Any], prefix_tokens: Tensor | None, bos: int) -> Tensor:
    """The tokens that each response begins with: `<s>`, which `--prefix-size` does not count, and its prefix.

    Args:
        sample: a batch; of fairseq-generate with the responses as `target`
        prefix_tokens: the first tokens of the responses, shape (batch, prefix size); None for none
        bos: index of `<s>`

    Returns:
        shape (batch, 1), or (batch, prefix size + 1) where the batch has the responses
    """
    if prefix_tokens is None:
        src_tokens = sample["net_input"]["src_tokens"]
        return src_tokens.new_full((src_tokens.size(0), 1), bos)
    if sample.get("target") is not None:
        return sample["target"][:, : prefix_tokens.size(1) + 1]
    return prefix_tokens
