"""Do responses have the emotion that was asked for? Against numbers by hand."""

import math

import pytest

from emo_mtl.evaluation.control import (
    ControlScores,
    draw,
    score,
    share,
    table,
    tfidf_judge,
    variety,
)


def judge(texts):
    """Reads the first word."""
    return [text.split()[0] for text in texts]


@pytest.fixture
def scores() -> ControlScores:
    wanted = {"joy": ["joy a", "joy a", "fear b", "joy c"], "fear": ["fear a"] * 4}
    gold = [("joy x", "joy"), ("joy y", "fear"), ("fear z", "fear")]
    rows, free = score(judge, wanted, ["joy a", "none a", "none a", "fear b"], gold)
    return ControlScores(judge="first word", utterances=4, seed=1, rows=rows, no_wish=free)


def test_by_hand(scores):
    joy, fear, macro = scores.rows
    assert (joy.wanted, joy.no_wish, joy.gold) == (75, 25, 100)
    assert (fear.wanted, fear.no_wish, fear.gold) == (100, 25, 50)
    assert (macro.emotion, macro.wanted, macro.no_wish, macro.gold) == ("macro", 87.5, 25, 75)
    assert (joy.variety.different, joy.variety.most_frequent) == (3, 50)
    assert (fear.variety.different, fear.variety.most_frequent) == (1, 100)
    assert fear.variety.distinct_2 == 100 / 8  # one bigram, eight words
    assert (macro.variety.different, macro.variety.most_frequent) == (2, 75)
    assert scores.no_wish == variety(["joy a", "none a", "none a", "fear b"])
    assert scores.no_wish.different == 3


def test_an_emotion_that_no_gold_response_has(scores):
    rows, _ = score(judge, {"joy": ["joy"], "fear": ["fear"]}, ["joy"], [("joy x", "joy")])
    assert math.isnan(rows[1].gold)
    assert rows[2].gold == 100  # of those that there are


def test_share_of_none():
    assert math.isnan(share([], "joy"))


def test_draw():
    assert draw(5, 9, seed=1) == [0, 1, 2, 3, 4]
    assert draw(100, 10, seed=1) == draw(100, 10, seed=1) == sorted(draw(100, 10, seed=1))
    assert draw(100, 10, seed=1) != draw(100, 10, seed=2)


def test_table(scores):
    lines = table(scores).splitlines()
    assert lines[0] == "Judge: first word; 4 utterances (seed 1)"
    assert lines[4] == "| joy | 75.0 | 25.0 | 100.0 | 3 | 50.0 | 37.50 |"
    assert lines[-1] == "| no wish | | | | 3 | 50.0 | 37.50 |"


def test_tfidf_judge_weighs_all_labels_alike():
    pytest.importorskip("sklearn", reason="needs the extra emo-mtl[eval]")
    train = [("so it is", "none")] * 50 + [("it is great", "joy")] * 2
    assert list(tfidf_judge(train).predict(["so it is", "that is great"])) == ["none", "joy"]
