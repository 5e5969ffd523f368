"""The flags that subcommands share, in their old spelling too."""

import argparse
import logging
from pathlib import Path

import pytest

from emo_mtl.cli import flags
from emo_mtl.errors import UserError


def read(kind: str, *argv: str) -> argparse.Namespace:
    """The arguments of a command that takes a model, or data and perhaps a model, or data only (`text`)."""
    parser = argparse.ArgumentParser()
    if kind == "model":
        flags.add_model_argument(parser)
        parser.add_argument("--data", type=Path)
        parser.add_argument("--input")
    else:
        flags.add_data_argument(parser, *(["a judge"] if kind == "data" else []))
    args = parser.parse_args(argv)
    flags.update_spelling(args)
    args.model = getattr(args, "model", None)
    return args


@pytest.mark.parametrize(
    ("kind", "argv", "model", "data"),
    [
        ("model", ["m"], "m", None),
        ("model", ["m", "--data", "d"], "m", "d"),
        ("data", ["--data", "d"], None, "d"),
        ("data", ["m", "--data", "d"], "m", "d"),
        ("text", ["--data", "d"], None, "d"),
    ],
)
def test_new(kind, argv, model, data, caplog):
    args = read(kind, *argv)
    assert (args.model, args.data) == (model and Path(model), data and Path(data))
    assert not caplog.text


@pytest.mark.parametrize(
    ("kind", "argv", "model", "data", "said"),
    [
        ("model", ["--path", "m"], "m", None, ["--path m: name the model first"]),
        ("model", ["--path", "m", "--input", "-"], "m", None, ["--path m: name the model first"]),
        ("model", ["--path", "m", "--data", "d"], "m", "d", ["--path m: name the model first"]),
        ("model", ["d", "--path", "m"], "m", "d", ["--path m", "--data d"]),
        ("model", ["--path", "m", "d"], "m", "d", ["--path m", "--data d"]),
        ("data", ["d"], None, "d", ["--data d"]),
        ("data", ["d", "--path", "m"], "m", "d", ["--path m", "--data d"]),
        ("text", ["d"], None, "d", ["--data d"]),
    ],
)
def test_old(kind, argv, model, data, said, caplog):
    with caplog.at_level(logging.WARNING):
        args = read(kind, *argv)
    assert (args.model, args.data) == (model and Path(model), data and Path(data))
    assert len(caplog.records) == len(said)
    assert all(words in caplog.text for words in said)


@pytest.mark.parametrize(
    ("kind", "argv"),
    [
        ("text", ["d", "--data", "other"]),
        ("data", ["d", "--path", "m", "--data", "other"]),
        ("model", ["d", "--path", "m", "--data", "other"]),
    ],
)
def test_data_in_both_spellings(kind, argv):
    with pytest.raises(UserError, match="found --data other beside it, expected one prepared"):
        read(kind, *argv)


def test_a_model_where_none_is_taken():
    with pytest.raises(SystemExit):
        read("text", "--data", "d", "--path", "m")


@pytest.mark.parametrize(
    ("kind", "missing"), [("model", "MODEL"), ("data", "--data"), ("text", "--data")]
)
def test_missing(kind, missing, capsys):
    with pytest.raises(SystemExit):
        read(kind)
    assert f"required: {missing}" in capsys.readouterr().err.replace("model", "MODEL")


def test_old_ones_are_not_shown(capsys):
    for kind in ("model", "text"):
        with pytest.raises(SystemExit):
            read(kind, "--help")
    assert "--path" not in capsys.readouterr().out
