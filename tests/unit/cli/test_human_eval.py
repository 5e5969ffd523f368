"""`emo-mtl human-eval`: the folder for the raters, their page in a browser, the scores of their answers."""

import csv
import html
import io
import json
import os
import re
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emo_mtl.cli.main import main
from emo_mtl.errors import UserError
from emo_mtl.evaluation.bootstrap import interval, resample_means
from emo_mtl.evaluation.people.results import MAX_PROBLEMS
from emo_mtl.evaluation.people.statistics import krippendorff_alpha
from emo_mtl.evaluation.people.study import QUESTIONS, context, escape
from emo_mtl.preparation import dailydialog

NAMES = [question.name for question in QUESTIONS]

HOSTILE = """ "x", <b>b</b> & &amp; ${response} $HOME {{1}} 'é' 😀 \u2028 שלום <script>alert(1)</script>"""


def run(*arguments) -> None:
    main(["human-eval", *map(str, arguments)])


@pytest.fixture
def make(tmp_path):
    """Write a study of systems -> responses, to utterances of the form 'u0', and return its folder."""

    def make_study(systems: dict[str, list[str]], flags=(), utterances=None) -> Path:
        lines = len(next(iter(systems.values())))
        utterances = utterances or [f"u{number}" for number in range(lines)]
        files = {"test.source": utterances} | systems
        for name, content in files.items():
            (tmp_path / f"{name}.txt").write_text(
                "".join(f"{line}\n" for line in content), encoding="utf-8", newline=""
            )
        out = tmp_path / "study"
        named = [part for name in systems for part in ("--system", f"{name}={tmp_path / name}.txt")]
        size = [] if "--items" in flags else ["--items", lines]
        run(
            *("make", "--utterances", tmp_path / "test.source.txt", "--out", out),
            *(*named, *size, *flags),
        )
        return out

    return make_study


@pytest.fixture
def error(capsys):
    """Run a step, which must fail, and return its message."""

    def message(step, *arguments, **keywords) -> str:
        with pytest.raises(UserError) as raised:
            step(*arguments, **keywords)
        assert not capsys.readouterr().out
        return str(raised.value)

    return message


def read_hits(study: Path) -> list[dict[str, str]]:
    with (study / "hits.csv").open(newline="", encoding="ascii") as file:
        return list(csv.DictReader(file))


def read_key(study: Path) -> dict:
    return json.loads((study / "key.json").read_text(encoding="utf-8"))


def test_what_was_said_before_is_shown():
    assert context("a < b") == escape("a < b")
    assert context("a __eou__ b < c __eou__ d") == "<br>".join(
        ["A: a", f"B: {escape('b < c')}", "A: d"]
    )
    assert context("a __eou__ b") == "B: a<br>A: b"


class TestMake:
    def test_every_response_to_the_same_items(self, make):
        systems = {name: [f"{name} {number}" for number in range(30)] for name in ("one", "two")}
        study = make(systems, ["--items", "10"])
        key = read_key(study)
        assert len(set(key["items"])) == 10
        answered = Counter()
        for hit in read_hits(study):
            ((system, item),) = key["hits"][hit["item_id"]]
            assert hit["utterance"] == f"u{item}"
            assert hit["response"] == f"{system} {item}"
            answered[system, item] += 1
        assert answered == {(name, item): 1 for name in systems for item in key["items"]}

    def test_raters_cannot_tell_the_systems(self, make, tmp_path):
        study = make({"BASE": [f"x {n}" for n in range(40)], "R+E6": [f"y {n}" for n in range(40)]})
        visible = {"hits.csv", "template.html", "preview.html"}
        assert visible < {path.name for path in study.iterdir()}
        for name in visible:
            text = (study / name).read_text(encoding="utf-8")
            assert not [s for s in ("BASE", "E6", "test.source", str(tmp_path)) if s in text]
        # neither order nor ids tell: the systems are mixed in the file, and where it is sorted by id
        hits = read_hits(study)
        for order in (hits, sorted(hits, key=lambda hit: hit["item_id"])):
            changes = sum(a["response"][0] != b["response"][0] for a, b in pairwise(order))
            assert 25 < changes < 55  # of 79; 40 are expected
        assert all(re.fullmatch(r"h[0-9a-f]{15}", hit["item_id"]) for hit in hits)

    def test_seed(self, make, tmp_path):
        systems = {"one": [f"a{n}" for n in range(50)], "two": [f"b{n}" for n in range(50)]}
        flags = ["--items", "20", "--overwrite", "--seed"]
        contents = []
        for seed in ("3", "3", "4"):
            study = make(systems, [*flags, seed])
            contents.append({path.name: path.read_bytes() for path in study.iterdir()})
        assert contents[0] == contents[1]
        assert contents[0]["hits.csv"] != contents[2]["hits.csv"]
        assert [path for path in tmp_path.iterdir() if path.name.startswith("study.")] == []

    def test_equal_responses_share_a_hit(self, make, capsys):
        study = make({"one": ["same", "left", "y  z"], "two": ["same", "right", "y z"]})
        shared = [answers for answers in read_key(study)["hits"].values() if len(answers) > 1]
        assert sorted(shared) == [[["one", 0], ["two", 0]], [["one", 2], ["two", 2]]]
        assert len(read_hits(study)) == 4
        printed = capsys.readouterr().out
        assert "3 test items, 2 systems: 4 HITs.\nWith 7 raters each these are 28" in printed
        assert "word for word: 2. They share" in printed
        assert "**7 assignments (workers) per HIT**" in printed

    def test_hostile_texts(self, make):
        texts = [HOSTILE, "=1+1", "tab\there \r", "", "a,b"]
        study = make({"one": texts}, utterances=[HOSTILE, *"bcde"])
        raw = (study / "hits.csv").read_bytes()
        assert raw.isascii()
        assert b"$" not in raw
        assert b"<" not in raw
        assert raw.count(b"\n") == 1 + 5
        hits = {html.unescape(hit["utterance"]): hit["response"] for hit in read_hits(study)}
        plain = " ".join(HOSTILE.split())
        assert html.unescape(hits[plain]) == plain
        assert hits["b"] == "&#61;1+1"  # not a formula
        assert hits["c"] == "tab here"
        assert hits["d"] == "(empty)"

    @given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn")), min_size=1))
    def test_escaped_text_is_the_text(self, text):
        escaped = escape(text)
        assert html.unescape(escaped) == text
        assert escaped.isascii()
        assert not set(escaped) & set("<>\"'$")

    def test_fairseq_output(self, make, tmp_path):
        lines = ["T-1\tgold", "H-1\t-0.5\tsecond", "T-0\tgold", "H-0\t-0.5\tfirst"]
        study = make({"one": ["a", "b"]})
        path = tmp_path / "generate-test.txt"
        path.write_text("\n".join(lines), encoding="utf-8")
        flags = ["--system", f"one={path}", "--out", study, "--items", "2", "--overwrite"]
        run("make", "--utterances", tmp_path / "test.source.txt", *flags)
        responses = {hit["utterance"]: hit["response"] for hit in read_hits(study)}
        assert responses == {"u0": "first", "u1": "second"}

    @pytest.mark.skipif("EMO_MTL_DATA" not in os.environ, reason="needs the real corpora")
    def test_dailydialog(self, make):
        folder = Path(os.environ["EMO_MTL_DATA"]) / "dailydialog" / "test"
        pairs = dailydialog.read_pairs(folder / "dialogues_test.txt")
        utterances, responses = ([pair[side] for pair in pairs] for side in (0, 1))
        systems = {"copy": utterances, "gold": responses}
        study = make(systems, ["--items", "100"], utterances=utterances)
        key = read_key(study)
        for hit in read_hits(study):
            for system, item in key["hits"][hit["item_id"]]:
                found = html.unescape(hit["utterance"]), html.unescape(hit["response"])
                expected = utterances[item], systems[system][item]
                assert found == tuple(" ".join(text.split()) for text in expected)
        assert sum(map(len, key["hits"].values())) == 200


class TestMakeErrors:
    def test_numbers(self, make, error):
        assert "--items 3: expected 1 to 2" in error(make, {"one": ["a", "b"]}, ["--items", "3"])
        assert "--items 0: expected 1 to 2" in error(make, {"one": ["a", "b"]}, ["--items", "0"])
        assert "--raters 0" in error(make, {"one": ["a"]}, ["--raters", "0"])

    def test_line_counts(self, make, error):
        message = error(make, {"one": ["a", "b"], "two": ["a"]})
        assert "two.txt: found 1 responses, expected 2, one for each line of" in message

    def test_names(self, make, error, capsys):
        assert "--system one: was there before" in error(
            make, {"one": ["a"]}, ["--system", "one=x"]
        )
        for flag in ("x", "=x", "x="):
            with pytest.raises(SystemExit, match="2"):
                make({"one": ["a"]}, ["--system", flag])
            assert f"found '{flag}', expected NAME=FILE" in capsys.readouterr().err

    def test_utterances(self, make, error):
        generated = ["T-0\tgold", "H-0\t-0.5\tfirst"]
        assert "expected the utterances as text" in error(
            make, {"one": ["a"]}, utterances=generated
        )

    def test_overwriting(self, make, error, capsys):
        study = make({"one": ["a"]})
        (study / "results.csv").write_text("paid for", encoding="utf-8")
        capsys.readouterr()
        assert "add --overwrite" in error(make, {"one": ["a"]})
        assert "found results.csv" in error(make, {"one": ["a"]}, ["--overwrite"])
        assert (study / "results.csv").read_text(encoding="utf-8") == "paid for"
        (study / "key.json").unlink()
        assert "found no key.json" in error(make, {"one": ["a"]}, ["--overwrite"])


def result_row(item_id: str, worker: str, answers, status: str = "Approved") -> dict[str, str]:
    """A row of Mechanical Turk's results; one answer stands for all four."""
    answers = [answers] * len(NAMES) if not isinstance(answers, list) else answers
    row = {"HITId": f"hit of {item_id}", "Title": 'Rate, "please"', "AssignmentId": "a"}
    row |= {"WorkerId": worker, "AssignmentStatus": status, "Input.item_id": item_id}
    row |= {f"Answer.{name}": str(answer) for name, answer in zip(NAMES, answers, strict=True)}
    return row | {"Approve": "", "Reject": ""}


def results_text(rows: list[dict[str, str]], line_end: str = "\n") -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), quoting=csv.QUOTE_ALL, lineterminator=line_end)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


@pytest.fixture
def score(tmp_path):
    """Score rows, or the content of a results file, and return what is in the JSON file."""

    def score_rows(study: Path, rows: list | str | bytes, flags=()) -> dict:
        content = rows if isinstance(rows, str | bytes) else results_text(rows)
        content = content.encode("utf-8") if isinstance(content, str) else content
        results, out = tmp_path / "results.csv", tmp_path / "scores.json"
        results.write_bytes(content)
        run("score", study, results, "--json", out, "--overwrite", *flags)
        return json.loads(out.read_text(encoding="utf-8"))

    return score_rows


def ids(study: Path) -> dict[tuple[str, int], str]:
    """The HIT of each system's response to each item."""
    hits = read_key(study)["hits"]
    return {tuple(answer): item_id for item_id, answers in hits.items() for answer in answers}


@pytest.fixture
def two(make, capsys):
    """A study of two systems and two items, and its HITs."""
    study = make({"base": ["a", "b"], "new": ["c", "d"]}, ["--raters", "2"])
    capsys.readouterr()
    return study, ids(study)


def rate(hits: dict, emotion: dict) -> list[dict[str, str]]:
    """Rows with the given ratings of emotion, and 3 for all else."""
    return [
        result_row(hits[answer], f"w{number}", [rating, 3, 3, 3])
        for answer, ratings in emotion.items()
        for number, rating in enumerate(ratings)
    ]


TWO = {("base", 0): [1, 1, 1], ("base", 1): [5], ("new", 0): [2, 2], ("new", 1): [4, 5]}


class TestScore:
    def test_hand_computed(self, two, score, capsys):
        study, hits = two
        emotion = {("base", 0): [1, 1, 1], ("base", 1): [5], ("new", 0): [1, 3], ("new", 1): [5, 5]}
        scores = score(study, rate(hits, emotion))
        base, new = scores["systems"]
        # means of raters first: base (1 + 5) / 2, although three of four ratings are 1; new (2 + 5) / 2.
        # Two items: a resample has the mean 1 or 5 in a quarter of all draws each, which are the ends.
        assert (base["name"], base["emotion"]) == ("base", {"mean": 3, "low": 1, "high": 5})
        assert (new["name"], new["emotion"]) == ("new", {"mean": 3.5, "low": 2, "high": 5})
        assert new["fluency"] == {"mean": 3, "low": 3, "high": 3}
        # pairs: the differences of the items are 1 and 0
        (difference,) = scores["differences"]
        assert (difference["name"], difference["minus"]) == ("new", "base")
        assert difference["emotion"] == {"mean": 0.5, "low": 0, "high": 1}
        assert scores["ratings"] == 8
        assert scores["workers"] == 3
        assert scores["raters"] == {
            hits[answer]: len(ratings) for answer, ratings in emotion.items()
        }
        table = capsys.readouterr().out
        assert "| system | Emo | Flu | Info | Relv |" in table
        assert "| new | 3.50 [2.00, 5.00] | 3.00 [3.00, 3.00] | 3.00" in table
        assert "| new - base | +0.50 [+0.00, +1.00] | +0.00" in table
        assert "raters a HIT: 1 to 3, 2 asked for; 4 HITs" in table

    def test_difference_beyond_chance(self, two, score, capsys):
        study, hits = two
        emotion = {("base", 0): [2], ("base", 1): [4], ("new", 0): [1], ("new", 1): [3]}
        (difference,) = score(study, rate(hits, emotion))["differences"]
        assert difference["emotion"] == {"mean": -1, "low": -1, "high": -1}  # of every item
        assert "| new - base | -1.00 [-1.00, -1.00] * | +0.00" in capsys.readouterr().out

    def test_equal_responses_get_equal_scores(self, make, score):
        study = make({"base": ["same", "b"], "new": ["same", "d"]})
        rows = [result_row(item_id, "w", 4) for item_id in read_key(study)["hits"]]
        assert len(rows) == 3
        scores = score(study, rows)
        assert scores["systems"][0]["emotion"] == scores["systems"][1]["emotion"]
        assert scores["ratings"] == 3

    def test_agreement(self, make, score, capsys):
        study = make({"one": list("abcde")}, ["--raters", "2"])
        pairs = [(1, 1), (2, 2), (5, 5), (1, 2), (2, 5)]
        emotion = {("one", item): pair for item, pair in enumerate(pairs)}
        scores = score(study, rate(ids(study), emotion))
        assert scores["alpha"]["emotion"] == pytest.approx(0.7)  # see TestAlpha
        assert scores["alpha"]["fluency"] is None
        assert scores["differences"] == []
        assert "| Krippendorff's alpha | 0.70 | undefined |" in capsys.readouterr().out

    def test_rejected_are_dropped(self, two, score, capsys):
        study, hits = two
        rows = rate(hits, {answer: [3, 3] for answer in hits})
        rejected = [
            result_row(hits["base", 0], "w0", "", status="Rejected"),  # no answers
            result_row(hits["base", 0], "w7", 1, status="Rejected"),
        ]
        scores = score(study, [rejected[0], *rows, rejected[1]])
        assert scores["rejected"] == 2
        assert scores["systems"][0]["emotion"]["mean"] == 3
        assert "2 rejected assignments dropped" in capsys.readouterr().out

    def test_few_raters(self, two, score, caplog):
        study, hits = two
        full = {answer: [3, 3] for answer in hits}
        score(study, rate(hits, full))
        assert "warning" not in caplog.text
        scores = score(study, rate(hits, full | {("base", 0): [1], ("new", 1): []}))
        assert "2 of 4 HITs have fewer than 2 raters: 1 with 0, 1 with 1" in caplog.text
        # the item without a rating of a system counts for none
        assert "items left out, since a system has no rating there: 1" in caplog.text
        assert (scores["items"], scores["items_left_out"]) == (1, 1)
        assert scores["systems"][0]["emotion"]["mean"] == 1

    def test_spreadsheet(self, two, score):
        study, hits = two
        rows = rate(hits, {answer: [1, 4] for answer in hits})
        plain = score(study, rows)
        saved = score(study, "\ufeff" + results_text(rows, line_end="\r\n"))
        del plain["results"], saved["results"]
        assert plain == saved

    def test_pandas(self, two, score):
        """It makes floats of a column with gaps: those of a rejected assignment."""
        study, hits = two
        rows = rate(hits, TWO)
        gap = result_row(hits["base", 0], "w9", "", status="Rejected")
        plain = score(study, [*rows, gap])
        for row in rows:
            row |= {key: f"{row[key]}.0" for key in row if key.startswith("Answer.")}
        floats = score(study, [*rows, gap])
        del plain["results"], floats["results"]
        assert plain == floats

    def test_seed(self, make, score):
        study = make({"one": list("abcdefghij")})
        emotion = {("one", i): [1 + (7 * i + n) % 5 for n in range(i + 1)] for i in range(10)}
        rows = rate(ids(study), emotion)
        first, same, other = (score(study, rows, ["--seed", seed]) for seed in "112")
        assert first == same
        assert first["systems"] != other["systems"]

    def test_json_is_not_overwritten(self, two, score, error, tmp_path):
        study, hits = two
        score(study, rate(hits, TWO))
        flags = ["--json", tmp_path / "scores.json"]
        with pytest.raises(UserError, match="add --overwrite"):
            run("score", study, tmp_path / "results.csv", *flags)


class TestScoreErrors:
    def test_malformed_rows(self, two, score, error):
        study, hits = two
        item = hits["base", 0]
        rows = [
            result_row(item, "w1", [1, 2, 3, 4]),
            result_row(item, "w2", ["", 2, 3, 4]),
            result_row(item, "w3", [1, 6, 3, "4.5"]),
            result_row("h0", "w4", 3),
            result_row(item, "w1", 3),
            result_row(item, "", 3),
            result_row(item, "w6", 3, status="Done"),
        ]
        message = error(score, study, results_text(rows) + '"short"\n')
        lines = message.splitlines()
        assert "found 8 problems" in lines[0]
        expected = [
            "line 3: found Answer.emotion '', expected a whole number from 1 to 5",
            "line 4: found Answer.fluency '6', expected a whole number from 1 to 5",
            "line 4: found Answer.relevance '4.5', expected a whole number from 1 to 5",
            "line 5: found Input.item_id 'h0', which is not in this study's key.json",
            f"line 6: worker w1 has rated {item} in line 2; expected once",
            "line 7: found no WorkerId",
            "line 8: found AssignmentStatus 'Done', expected Submitted, Approved, Rejected",
            "line 9: found another number of columns than in line 1",
        ]
        assert [line.strip() for line in lines[1:]] == expected

    def test_not_all_are_listed(self, two, score, error):
        rows = [result_row("h0", f"w{number}", 3) for number in range(MAX_PROBLEMS + 5)]
        lines = error(score, two[0], rows).splitlines()
        assert len(lines) == 1 + MAX_PROBLEMS + 1
        assert lines[-1] == "  ... and 5 more"

    def test_no_results_of_this_study(self, two, score, error):
        study, hits = two
        rows = rate(hits, TWO)
        text = results_text(rows)
        missing = error(score, study, text.replace("Answer.emotion", "Answer.feeling"))
        assert "found no column Answer.emotion;" in missing
        semicolons = text.replace('"', "").replace(",", ";")
        assert "found no column Input.item_id, WorkerId" in error(score, study, semicolons)
        assert "found no column" in error(score, study, "")
        assert "line 2: found no comma-separated values" in error(
            score, study, text.split("\n")[0] + '\n"a"b,\n'
        )
        assert "line 2: found the byte 0xe9" in error(score, study, b"a\n\xe9")

    def test_nothing_to_score(self, two, score, error):
        study, hits = two
        rejected = [result_row(hits["base", 0], "w", 3, status="Rejected")]
        assert "found no ratings, 1 rejected" in error(score, study, rejected)
        only_one = rate(hits, {("base", 0): [3]})
        assert "no item has a rating for every system" in error(score, study, only_one)

    def test_no_study(self, two, score, error, tmp_path):
        rows = rate(two[1], TWO)
        assert "key.json: cannot be read" in error(score, tmp_path, rows)
        # what else may be wrong with it: tests/fuzz/test_json.py
        for content, message in (("{}", "found no 'hits'"), ("no JSON", "line 1: found no JSON")):
            (two[0] / "key.json").write_text(content, encoding="utf-8")
            assert message in error(score, two[0], rows)

    def test_without_krippendorff(self, two, score, error, monkeypatch):
        study, hits = two
        monkeypatch.setitem(sys.modules, "krippendorff", None)
        assert "emo-mtl[human-eval]" in error(score, study, rate(hits, TWO))


class TestAlpha:
    # Five HITs of two raters: 1 1, 2 2, 5 5, 1 2, 2 5. Coincidences: o11 = o22 = o55 = 2, and
    # o12 = o21 = o25 = o52 = 1; n1 = 3, n2 = 4, n5 = 3, n = 10. Ordinal distances, squared: 1 to 2 and
    # 2 to 5: (3 + 4 - 7 / 2) ** 2 = 12.25, 1 to 5: (10 - 3) ** 2 = 49.
    # alpha = 1 - (n - 1) * 2 * (12.25 + 12.25) / (2 * (12 * 12.25 + 12 * 12.25 + 9 * 49)) = 0.7
    # It would be 0.66 with interval distances, 0.45 with nominal ones.
    COUNTS = ((2, 0, 0, 0, 0), (0, 2, 0, 0, 0), (0, 0, 0, 0, 2), (1, 1, 0, 0, 0), (0, 1, 0, 0, 1))

    def test_hand_computed(self):
        assert krippendorff_alpha(self.COUNTS) == pytest.approx(0.7)

    def test_single_raters_do_not_count(self):
        assert krippendorff_alpha([*self.COUNTS, (0, 0, 1, 0, 0)]) == pytest.approx(0.7)

    def test_extremes(self):
        assert krippendorff_alpha([(3, 0, 0, 0, 0), (0, 0, 0, 0, 3)]) == 1
        assert krippendorff_alpha([(1, 0, 0, 0, 1), (1, 0, 0, 0, 1)]) < 0

    @pytest.mark.parametrize(
        "counts", [[(0, 0, 5, 0, 0), (0, 0, 2, 0, 0)], [(1, 0, 0, 0, 0), (0, 1, 0, 0, 0)]]
    )
    def test_undefined(self, counts):
        assert krippendorff_alpha(counts) is None


class TestBootstrap:
    def test_as_scipy(self):
        scipy_stats = pytest.importorskip("scipy.stats", reason="needs scipy")
        scores = np.random.default_rng(0).uniform(1, 5, size=(60, 2))
        resampled = resample_means(scores, seed=1)
        for column in range(2):
            ours = interval(scores[:, column], resampled[:, column])
            theirs = scipy_stats.bootstrap(
                (scores[:, column],), np.mean, n_resamples=10_000, method="percentile", rng=2
            ).confidence_interval
            assert ours.mean == pytest.approx(scores[:, column].mean())
            assert (ours.low, ours.high) == pytest.approx(tuple(theirs), abs=0.03)

    def test_columns_are_drawn_together(self):
        scores = np.random.default_rng(0).uniform(1, 4, size=(20, 1))
        resampled = resample_means(np.hstack([scores, scores + 1]), seed=1)
        np.testing.assert_allclose(resampled[:, 1] - resampled[:, 0], 1)
        assert resampled[:, 0].std() > 0.1
