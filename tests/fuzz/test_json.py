"""JSON files that somebody else wrote: each reader returns what can be used, or says in a line what is wrong.

A longer run: python -m pytest tests/fuzz --hypothesis-profile=soak
"""

import copy
import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emo_mtl.cli.main import main
from emo_mtl.errors import UserError
from emo_mtl.evaluation.comparison import read_significance
from emo_mtl.evaluation.parts import read_parts
from emo_mtl.evaluation.people.key import read_key
from emo_mtl.evaluation.people.scores import read_scores
from emo_mtl.evaluation.people.study import QUESTIONS
from emo_mtl.evaluation.report.runs import gather_rows, read_run
from emo_mtl.evaluation.report.tables import csv_text, json_text, markdown
from emo_mtl.formats.checked_json import LARGEST
from emo_mtl.io import read_json

SCORES = ("sacrebleu", "paper_bleu", "distinct_1", "distinct_2", "average_length")
FILES: dict[str, Any] = {
    "overlap.json": {"e6": {"test": {"examples": 3, "clean": [0, 2]}}},
    "key.json": {
        "raters": 2,
        "items": [4, 7],
        "systems": [{"name": "a"}, {"name": "b"}],
        "hits": {"h1": [["a", 4], ["b", 4]], "h2": [["a", 7]], "h3": [["b", 7]]},
    },
    "run.json": {
        "row": "R+E6",
        "seed": 1,
        "model": "tiny",
        "train": "fairseq-train",
        "baseline": False,
        "loss_weights": {"e6": 1.0},
    },
    "evaluate.json": {"rows": [{"part": "all", **dict.fromkeys(SCORES, 1.0), "lines": 1}]},
    "classify.json": [{"task": "e6", "part": "all", "examples": 2, "accuracy": 1, "macro_f1": 2}],
    "awareness.json": {
        "rows": [{"task": "e6", "agreement": 1, "chance": 2, "kappa": 0.1, "gold_kappa": 0}]
    },
}
MEAN = {"mean": 3.5, "low": 3.0, "high": 4.0}
RATED = dict.fromkeys((question.name for question in QUESTIONS), MEAN)
FILES |= {
    "people.json": {
        "systems": [{"name": "a", **RATED}, {"name": "b", **RATED}],
        "differences": [{"name": "b", "minus": "a", **RATED}],
        "alpha": dict.fromkeys(RATED, 0.5),
        "raters": {"h1": 7},
        **dict.fromkeys(("items", "items_left_out", "ratings", "rejected"), 1),
        **dict.fromkeys(("workers", "raters_asked", "seed"), 7),
    },
    "significance.json": {
        "seed": 1,
        "notes": ["exact"],
        "comparisons": [
            {
                **{"task": "e6", "baseline": "a", "system": "b", "measure": "accuracy"},
                **{"examples": 9, "baseline_score": 1, "score": 2, "difference": 1},
                **{"interval": [0.5, 1.5], "p": {"t": 0.5}, "p_holm": {"t": 0.5}},
            }
        ],
    },
}
DEEP = "[" * 200_000
BROKEN = [
    DEEP,
    '{"a":' * 100_000,
    "1" * 5000,
    '"\\ud800"',
    "NaN",
    "",
    "null",
    "{",
    b"\xff",
    "{}",
    "[]",
]
VALUES = [
    *(None, True, False, 0, 1, -1, 0.5, 10**30, float("nan"), float("inf"), 1e300, 4, 7),
    *(
        "",
        "a",
        "b",
        "all",
        "0",
        "=1+1",
        "$\\frac",
        "_x",
        "a\n| b",
        [],
        {},
        [[]],
        [0],
        ["a", 4],
        {"": 1},
    ),
]


def read(folder: Path, name: str) -> Any:
    """What the commands make of a file."""
    if name == "overlap.json":
        return read_parts(folder / name, "e6", "test", 3)
    if name == "key.json":
        return read_key(folder / name)
    if name == "people.json":
        return [markdown([], [], people=read_scores(folder / name))]
    if name == "significance.json":
        return [markdown([], [], significance=[read_significance(folder / name)])]
    rows = gather_rows([read_run(folder)])
    list(csv.reader(io.StringIO(csv_text(rows), newline="")))
    return markdown(rows, []), json.loads(json_text(rows))


def places(content: Any) -> Iterator[tuple[Any, Any]]:
    """(list or object, index or key) of every value of a file."""
    entries = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in list(entries):
        yield content, key
        if isinstance(value, list | dict):
            yield from places(value)


def changed(name: str, place: float, value: Any, remove: bool) -> Any:
    """The content of a file with one of its values replaced or taken away."""
    content = copy.deepcopy(FILES[name])
    found = list(places(content))
    container, key = found[int(place * len(found))]
    if remove:
        del container[key]
    else:
        container[key] = value
    return content


def checked(folder: Path, name: str, text: str | bytes) -> Any:
    """What the readers make of a text, or their message."""
    for other in FILES:
        (folder / other).unlink(missing_ok=True)
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    try:
        return read(folder, name)
    except UserError as error:
        message = str(error)
    assert "\n" not in message
    assert name in message
    assert len(message) < 500 + len(str(folder))
    return message


@pytest.mark.parametrize("name", FILES)
def test_as_it_should_be(name, tmp_path):
    assert not isinstance(checked(tmp_path, name, json.dumps(FILES[name])), str)


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
@pytest.mark.parametrize("name", FILES)
def test_broken(name, text, tmp_path):
    found = checked(tmp_path, name, text)
    assert isinstance(found, str) or (name, text) == ("classify.json", "[]")


@pytest.mark.parametrize("name", FILES)
@given(place=st.floats(0, 1, exclude_max=True), value=st.sampled_from(VALUES), remove=st.booleans())
def test_a_wrong_value(name, place, value, remove, tmp_path_factory):
    text = json.dumps(changed(name, place, value, remove))
    checked(tmp_path_factory.getbasetemp(), name, text)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"systems": []}, "found 0 systems"),
        ({"items": []}, "found 0 items"),
        ({"systems": [{"name": "a"}, {"name": "a"}]}, "found 2 systems, 1 of them different"),
        ({"systems": ["a"]}, "found in 'systems' 'a', expected an object"),
        ({"systems": [{}]}, "found no 'name', expected a text"),
        ({"hits": []}, "found 'hits' a list, expected an object"),
        ({"hits": {}}, "found HITs of other responses"),
        ({"hits": {"h": [["a"]]}}, "found 1 values in an answer"),
        ({"hits": {"h": [["a", "4"]]}}, "found in 'hits' '4', expected a whole number"),
        ({"hits": {"h": [["c", 4]]}}, "found HITs of other responses"),
        ({"items": [4]}, "found HITs of other responses"),
        ({"items": ["4"]}, "found in 'items' '4', expected a whole number"),
        ({"items": [True]}, "found in 'items' True, expected a whole number"),
        ({"raters": "2"}, "found 'raters' '2', expected a whole number"),
        ({"raters": None}, "found no 'raters', expected a whole number"),
    ],
)
def test_key(change, message, tmp_path):
    text = json.dumps(FILES["key.json"] | change)
    assert message in checked(tmp_path, "key.json", text)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ([], "expected an object"),
        ({"examples": "3", "clean": [0]}, "found 'examples' '3', expected a whole number"),
        ({"examples": 3, "clean": "012"}, "found 'clean' '012', expected a list"),
        ({"examples": 3, "clean": {"0": 0}}, "found 'clean' an object, expected a list"),
        ({"examples": 3, "clean": [0.0]}, "found in 'clean' 0.0, expected a whole number"),
        ({"examples": 3, "clean": [True]}, "found in 'clean' True, expected a whole number"),
        ({"examples": True, "clean": []}, "found 'examples' True, expected a whole number"),
    ],
)
def test_overlap(entry, message, tmp_path):
    assert message in checked(tmp_path, "overlap.json", json.dumps({"e6": {"test": entry}}))


@pytest.mark.parametrize("value", [float("inf"), -float("inf"), 1e300, 10**400, 2 * LARGEST])
def test_numbers_that_no_score_has(value, tmp_path):
    text = json.dumps({"rows": [FILES["evaluate.json"]["rows"][0] | {"sacrebleu": value}]})
    assert "expected a number" in checked(tmp_path, "evaluate.json", text)


@pytest.mark.parametrize("text", BROKEN[:4], ids=range(4))
def test_through_the_commands(text, tmp_path):
    """Human-eval and evaluate end with the message, and with status 1."""
    (tmp_path / "key.json").write_text(text, encoding="utf-8")
    columns = ["WorkerId", "AssignmentStatus", "Input.item_id"]
    columns += [f"Answer.{question.name}" for question in QUESTIONS]
    (tmp_path / "results.csv").write_text(",".join(columns) + "\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"key\.json: found JSON that cannot be used"):
        main(["human-eval", "score", str(tmp_path), str(tmp_path / "results.csv")])
    (tmp_path / "h.txt").write_text("a\n", encoding="utf-8")
    files = ["--hypotheses", "--references", "--overlap"]
    values = [str(tmp_path / name) for name in ("h.txt", "h.txt", "key.json")]
    flags = [part for pair in zip(files, values, strict=True) for part in pair]
    with pytest.raises(UserError, match=r"key\.json: found JSON that cannot be used"):
        main(["evaluate", *flags, "--word-tokenizer", "space"])


def test_a_whole_file(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"a": "\\ud83d\\ude00"}', encoding="utf-8")
    assert read_json(path) == {"a": "😀"}


@pytest.mark.parametrize("value", [DEEP, "1" * 5000, "1" + "0" * 400, "1e999", '"\\ud800"'])
def test_train_log(value, tmp_path):
    line = f'{{"epoch": 1, "train_loss": {value}, "train_num_updates": 2}}'
    (tmp_path / "train.log").write_text(line + "\n", encoding="utf-8")
    message = ""
    try:
        read_run(tmp_path)
    except UserError as error:
        message = str(error)
    assert message.count("\n") == 0
    assert not message or "train.log, line 1" in message
