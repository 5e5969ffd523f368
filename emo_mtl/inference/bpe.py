"""The BPE of a model: its kinds, fairseq's flags and files, finding it, and telling one from another.

What one BPE has encoded another decodes into nonsense, without any error. So prepare's manifest and each
checkpoint keep a BPE's identity, and nothing turns text into tokens or back with another.
"""

from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from emo_mtl.errors import UserError
from emo_mtl.inference.turns import join_turns, split_turns
from emo_mtl.io import sha256

END_OF_TURN = "</s>"  # as a token

# kind -> fairseq's flag -> name of its file in a folder
FILES = {
    "sentencepiece": {"sentencepiece_model": "spm.model"},
    "gpt2": {"gpt2_encoder_json": "encoder.json", "gpt2_vocab_bpe": "vocab.bpe"},
}

GPT2_FILES = (*FILES["gpt2"].values(), "dict.txt")  # what fairseq offers for download

# {"kind": a key of FILES, "sha256": {name of a file: its digest}}
Identity = dict[str, Any]


class TurnsBPE:
    """fairseq's BPE for lines of several turns: `turn __eou__ turn` <-> `tokens </s> tokens`.

    BART knows `</s>` already: the vocabulary stays as it is. A line of one turn is encoded as ever.

    Args:
        bpe: fairseq's
        decodes: False for text that comes back as words already
    """

    def __init__(self, bpe: Any, decodes: bool = True):
        self.bpe, self.decodes = bpe, decodes

    def encode(self, line: str) -> str:
        """Tokens of a line of text, in which `__eou__` stands between turns."""
        return self.encode_turns(split_turns(line))

    def encode_turns(self, turns: Iterable[str]) -> str:
        """Tokens of turns, whose text may be anything."""
        return f" {END_OF_TURN} ".join(map(self.bpe.encode, turns))

    def decode(self, tokens: str) -> str:
        """Text of tokens."""
        if not self.decodes:
            return tokens
        return join_turns(self.bpe.decode(part.strip()) for part in tokens.split(END_OF_TURN))


def given_flags(group: Any) -> dict[str, Any]:
    """The flags of fairseq's group of `--bpe`, as :func:`find` takes them; nothing for None.

    Args:
        group: a config of fairseq, whose kind is its `_name`, or a namespace with `bpe`
    """
    if group is None:
        return {}
    flags = dict(group) if isinstance(group, Mapping) else vars(group)
    return {**flags, "bpe": flags.get("_name") or flags.get("bpe")}


@contextmanager
def readable(flags: Any) -> Iterator[None]:
    """Raise `UserError` where the files that fairseq's flags of a BPE name cannot be read as one."""
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        named = given_flags(flags)
        files = ", ".join(str(named.get(flag)) for flag in FILES.get(named["bpe"], ()))
        raise UserError(f"{files}: cannot be read as {named['bpe']} BPE ({error})") from error


def identity_of(flags: Namespace) -> Identity:
    """The identity of the BPE that fairseq's flags name; its files must exist."""
    files = {name: sha256(Path(getattr(flags, flag))) for flag, name in FILES[flags.bpe].items()}
    return {"kind": flags.bpe, "sha256": files}


def identity_in(manifest: Mapping[str, Any]) -> Identity:
    """The identity of the BPE that a manifest of prepare notes."""
    kind = manifest["settings"]["bpe"]
    # before encoder.json and vocab.bpe were kept beside the data, their digests were settings only
    digests = {**manifest["settings"].get("files", {}), **manifest["files"]}
    return {"kind": kind, "sha256": {name: digests[name] for name in FILES[kind].values()}}


def find(identity: Identity | None, given: Mapping[str, Any], folders: Sequence[Path]) -> Namespace:
    """fairseq's flags of a model's BPE: of the files that were given, or of those in the folders.

    Args:
        identity: the model's; None where it is not known: then nothing is compared
        given: fairseq's flags of BPE, of which any may be missing or None
        folders: where the files are looked for, the first one first

    Raises:
        UserError: no BPE was given or found, a file of it is missing, or it is not the model's
    """
    given = {
        flag: value
        for flag, value in given.items()
        # fairseq's own defaults are addresses, from which it would download
        if value is not None and not str(value).startswith("https://")
    }
    kind = given.get("bpe") or kind_of(identity, given, folders)
    if identity and kind != identity["kind"]:
        raise UserError(
            f"--bpe {kind}: the model's text was encoded with {identity['kind']}: leave out the flags of "
            "the BPE, or name the model's"
        )
    if kind not in FILES:
        raise UserError(
            f"{', '.join(map(str, folders))}: found {f'--bpe {kind!r}' if kind else 'no BPE'}, expected "
            "spm.model, or encoder.json and vocab.bpe, of the data that the model was trained on: give "
            "--sentencepiece-model, or --gpt2-encoder-json and --gpt2-vocab-bpe (in Python the same with _; "
            "nothing is downloaded)"
        )
    digests = identity["sha256"] if identity else {}
    files = {
        flag: find_file(flag, name, digests.get(name), given, folders)
        for flag, name in FILES[kind].items()
    }
    return Namespace(bpe=kind, **files)


def kind_of(
    identity: Identity | None, given: Mapping[str, Any], folders: Sequence[Path]
) -> str | None:
    """The kind whose files were given; else the model's; else the first whose files lie in a folder."""
    for kind, files in FILES.items():
        if any(flag in given for flag in files):
            return kind
    if identity:
        return identity["kind"]
    for folder in folders:
        for kind, files in FILES.items():
            if all((folder / name).is_file() for name in files.values()):
                return kind
    return None


def find_file(
    flag: str, name: str, digest: str | None, given: Mapping[str, Any], folders: Sequence[Path]
) -> str:
    """The path of one file, as in :func:`find`; any content for a digest of None."""
    candidates = [Path(given[flag])] if flag in given else [folder / name for folder in folders]
    there = [path for path in candidates if path.is_file()]
    option = f"--{flag.replace('_', '-')}"
    if not there:
        raise UserError(
            f"{' or '.join(map(str, candidates))}: no such file, expected the {name} that the model's data "
            f"was prepared with: put it there, or give it with {option} (nothing is downloaded)"
        )
    if digest is None:
        return str(there[0])
    for path in there:
        if digest == sha256(path):
            return str(path)
    raise UserError(
        f"{there[0]}: found SHA-256 {sha256(there[0])[:12]}..., expected {digest[:12]}...: this is not the "
        f"{name} that the model's data was prepared with: give that one with {option}"
    )
