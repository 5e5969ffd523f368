"""Results as JSON: what is written is read again, and what does not fit is said in a line."""

import json
import math
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emo_mtl.errors import UserError
from emo_mtl.formats.typed_json import Score as Number
from emo_mtl.formats.typed_json import read, to_text, write


@dataclass
class Score:
    task: str
    value: Number
    count: int = 0


@dataclass
class Result:
    name: str
    scores: list[Score] = field(default_factory=list)
    by_name: dict[str, float | None] = field(default_factory=dict)
    interval: tuple[float, float] | None = None
    best: Score | None = None


numbers = st.floats(-1e9, 1e9)
scores = st.builds(Score, st.text(), numbers, st.integers(0, 1000))
results = st.builds(
    Result,
    name=st.text(st.characters(exclude_categories=("Cs",))),
    scores=st.lists(scores),
    by_name=st.dictionaries(st.text(), st.none() | numbers),
    interval=st.none() | st.tuples(numbers, numbers),
    best=st.none() | scores,
)


@given(results)
def test_round_trip(tmp_path_factory, result):
    path = tmp_path_factory.getbasetemp() / "result.json"
    write(path, result)
    assert read(path, Result) == result


def put(tmp_path, content):
    path = tmp_path / "f.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_a_list(tmp_path):
    path = tmp_path / "f.json"
    path.write_text(to_text([Score("é", 1.5)]), encoding="utf-8")
    assert "é" in path.read_text("utf-8")
    assert read(path, list[Score]) == [Score("é", 1.5)]


def test_other_versions(tmp_path):
    """A field with a default may be missing, a field that is not known may be there."""
    path = put(tmp_path, {"name": "a", "scores": [{"task": "t", "value": 1, "new": 2}]})
    assert read(path, Result) == Result("a", [Score("t", 1)])


@pytest.mark.parametrize("value", [None, math.nan])
def test_nothing_to_score(tmp_path, value):
    found = read(put(tmp_path, [{"task": "t", "value": value}]), list[Score])
    assert math.isnan(found[0].value)


@dataclass
class Required:
    score: Number
    pair: tuple[float, float]
    perhaps: list[int] | None
    inner: Score


@pytest.mark.parametrize(
    ("field", "expected"),
    [("score", "a number"), ("pair", "a list"), ("perhaps", "a list"), ("inner", "an object")],
)
def test_missing(tmp_path, field, expected):
    whole = {"score": 1, "pair": [1, 2], "perhaps": None, "inner": {"task": "t", "value": 1}}
    assert read(put(tmp_path, whole), Required).inner == Score("t", 1)
    del whole[field]
    with pytest.raises(UserError, match=f"found no '{field}', expected {expected}"):
        read(put(tmp_path, whole), Required)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "found a list, expected an object"),
        ({}, "found no 'name', expected a text"),
        ({"name": None}, "found no 'name', expected a text"),
        ({"name": 1}, "found 'name' 1, expected a text"),
        ({"name": "a", "scores": {}}, "found 'scores' an object, expected a list"),
        ({"name": "a", "scores": [3]}, "entry 1: found 3, expected an object"),
        ({"name": "a", "scores": [{"task": "t"}]}, "entry 1: found no 'value', expected a number"),
        (
            {"name": "a", "scores": [{"task": "t", "value": 1, "count": True}]},
            "entry 1: found 'count' True, expected a whole number",
        ),
        ({"name": "a", "interval": [1, None]}, "found in 'interval' null, expected a number"),
        ({"name": "a", "by_name": {"x": math.nan}}, "found 'x' nan, expected a number"),
        ({"name": "a", "by_name": {"x": "y"}}, "found 'x' 'y', expected a number"),
        ({"name": "a", "interval": [1]}, "found 1 values in 'interval', expected 2"),
        ({"name": "a", "interval": [1, "x"]}, "found in 'interval' 'x', expected a number"),
        ({"name": "a", "best": 4}, "found 'best' 4, expected an object"),
    ],
)
def test_refused(tmp_path, content, message):
    path = put(tmp_path, content)
    with pytest.raises(UserError) as error:
        read(path, Result)
    assert message in str(error.value)
    assert str(error.value).startswith(str(path))
