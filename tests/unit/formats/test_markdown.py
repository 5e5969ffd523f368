"""Names in Markdown, CSV and TSV stay names, wherever something is printed or written."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import REPOSITORY
from hypothesis import given
from hypothesis import strategies as st

from emo_mtl.cli.main import main
from emo_mtl.evaluation import agreement, parts, recognition, responses
from emo_mtl.evaluation import comparison as significance
from emo_mtl.evaluation.bootstrap import Interval
from emo_mtl.evaluation.parts import COLUMNS
from emo_mtl.evaluation.people import scores
from emo_mtl.evaluation.people.study import QUESTIONS
from emo_mtl.evaluation.report import tables
from emo_mtl.evaluation.report.paper import Corpus
from emo_mtl.evaluation.report.runs import Run, gather_rows
from emo_mtl.formats import markdown
from emo_mtl.formats.delimited import csv_cell, tsv_cells, tsv_line

HOSTILE = (
    "<script>alert(1)</script> | ![x](http://a.b/c.png) [l](x) `c` *b* "
    "__d__ &lt; \\ ~~s~~\n# h\t\x1b[2J"
)
SHOWN = (
    r"&lt;script&gt;alert(1)&lt;/script&gt; \| !\[x\](http://a.b/c.png) \[l\](x) \`c\` \*b\* "
    r"\_\_d\_\_ &amp;lt; \\ \~\~s\~\~ # h \[2J"
)


@pytest.mark.parametrize(
    "name",
    [
        "R+E6",
        "copy of the utterance",
        "runs/R_1/generate-test.txt",
        "p < 0.05",
        "-0.5",
        "#joy",
        "1.5",
    ],
)
def test_plain_names_stay(name):
    assert markdown.text(name) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (HOSTILE, SHOWN),
        ("_a b_", r"\_a b\_"),
        ("# h", r"\# h"),
        ("- x", r"\- x"),
        ("1. x", r"1\. x"),
        ("\u2028", ""),
    ],
)
def test_markup_becomes_text(name, shown):
    assert markdown.text(name) == shown


MARKUP = "<>&|\\`*_~[]()!#+-=.1 ab:;\"'$@"


@given(st.text(MARKUP) | st.text(st.characters(exclude_categories=("C", "Z"))))
def test_as_a_renderer_shows_it(name):
    """What a Markdown parser makes of it is one paragraph with the name as its text, and no markup."""
    parser = pytest.importorskip("markdown_it", reason="needs markdown-it-py").MarkdownIt(
        "gfm-like"
    )
    parser.disable("linkify")
    blocks = parser.parse(markdown.text(name))
    assert [block.type for block in blocks if block.nesting >= 0] in (
        [],
        ["paragraph_open", "inline"],
    )
    parts = blocks[1].children if blocks else []
    assert {part.type for part in parts} <= {"text", "text_special"}
    assert "".join(part.content for part in parts).split() == name.split()


def cells(line: str) -> int:
    return line.replace(r"\\", "").replace(r"\|", "").count("|") - 1


def response_row() -> responses.Row:
    numbers = dict.fromkeys(responses.Row.__dataclass_fields__, 1)
    names = {
        "hypotheses": HOSTILE,
        "references": HOSTILE,
        "part": "all",
        "sacrebleu_signature": "s",
    }
    return responses.Row(**numbers | names)


def people_scores() -> scores.PeopleScores:
    questions = dict.fromkeys((question.name for question in QUESTIONS), Interval(1, 1, 1))
    numbers = ("items", "items_left_out", "ratings", "workers", "rejected", "raters_asked", "seed")
    return scores.PeopleScores(
        systems=[scores.System(name=HOSTILE, **questions)],
        differences=[scores.Difference(name=HOSTILE, minus=HOSTILE, **questions)],
        alpha=dict.fromkeys(questions, 1),
        raters={"h": 1},
        **dict.fromkeys(numbers, 1),
    )


def comparison() -> significance.Comparison:
    found = significance.Comparison(
        *(HOSTILE, HOSTILE, HOSTILE, "accuracy", 1, 1.0, 2.0, 1.0, None), p={"t": 0.5}
    )
    significance.judge([found])
    return found


def entry() -> recognition.Scores:
    result = recognition.Predictions(HOSTILE, [HOSTILE, "b"], np.eye(2), np.array([0, 1]))
    return result.scores({"all": [0, 1]})[0]


def report_rows() -> list:
    run = Run(Path("run"), HOSTILE, model=HOSTILE)
    for task, part, measure in [
        *(("response", part, "paper_bleu") for part in ("all", HOSTILE)),
        *((task, part, "accuracy") for task in ("e6", HOSTILE) for part in ("all", HOSTILE)),
        *(("response", "valid", "ppl"), (HOSTILE, "all", "agreement")),
    ]:
        run.scores[task, part, measure] = -0.5
    return gather_rows([run])


TABLES = {
    "report": lambda: tables.markdown(report_rows(), []),
    "classify": lambda: recognition.score_table(entry(), HOSTILE),
    "parts": lambda: recognition.parts_table([entry()]),
    "evaluate": lambda: responses.table(
        responses.ResponseScores(words="words", rows=[response_row()])
    ),
    "significance": lambda: significance.table(significance.Significance(1, [], [comparison()])),
    "human-eval": lambda: scores.table(people_scores()),
    "overlap": lambda: parts.table(
        {HOSTILE: {"test": {"examples": 1, **{key: [0] for key in COLUMNS}}}}
    ),
    "awareness": lambda: agreement.table(
        agreement.AwarenessScores(
            judge=HOSTILE,
            rows=[
                agreement.Row(
                    hypotheses=HOSTILE,
                    task=HOSTILE,
                    **dict.fromkeys(("agreement", "chance", "kappa", "gold_kappa"), 1.0),
                )
            ],
        )
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_every_table(name):
    printed = TABLES[name]()
    assert SHOWN in printed or SHOWN.upper() in printed
    for bad in ("<script", "<SCRIPT", "![x]", "![X]", "[l](", "[L](", " `c`", " *b*", "\t", "\x1b"):
        assert bad not in printed
    lines = printed.split("\n")
    for rule in (number for number, line in enumerate(lines) if line.startswith("| ---")):
        assert cells(lines[rule - 1]) == cells(lines[rule]) == cells(lines[rule + 1])


class TestPublishedReport:
    """Names that need no escaping change nothing: the report in the repository is made of its JSON again."""

    folder = REPOSITORY / "examples" / "paper" / "results"

    def rows(self) -> list:
        runs = []
        for row in json.loads((self.folder / "report.json").read_text("utf-8"))["rows"]:
            of_row = [
                Run(
                    Path(run["folder"]),
                    row["row"],
                    seed=run["seed"],
                    model=row["model"],
                    baseline=row["baseline"],
                    loss_weights=row["loss_weights"],
                    corpora=run.get("corpora")
                    and {task: Corpus(**corpus) for task, corpus in run["corpora"].items()},
                )
                for run in row["runs"]
            ]
            for score in row["scores"]:
                key = score["task"], score["part"], score["measure"]
                for run, value in zip(of_row, score["values"], strict=False):
                    run.scores[key] = value
            runs += of_row
        return gather_rows(runs)

    def test_markdown_and_csv(self):
        published = (self.folder / "report.md").read_text("utf-8")
        figures = [path.name for path in self.folder.glob("*.png") if f"({path.name})" in published]
        figures.sort(key=published.index)
        assert tables.markdown(self.rows(), figures) == published
        assert tables.csv_text(self.rows()) == (self.folder / "report.csv").read_text("utf-8")


class TestCsv:
    @pytest.mark.parametrize("start", list("=+-@\t\r\n"))
    def test_no_formula_in_the_report(self, start):
        name = f"{start}1+1"
        run = Run(Path("run"), name, scores={(name, name, "accuracy"): -0.5})
        lines = list(csv.reader(io.StringIO(tables.csv_text(gather_rows([run])), newline="")))
        assert (
            lines[1][1]
            == lines[1][6]
            == lines[1][7]
            == f"'{name}".replace("\r", " ").replace("\n", " ")
        )
        assert lines[1][9] == "-0.5"

    def test_others_stay(self):
        values = ["R+E6", "", -0.5, None, 3, "a=b"]
        assert list(map(csv_cell, values)) == values


class TestTsv:
    @given(st.lists(st.text(), min_size=1))
    def test_there_and_back(self, row):
        line = tsv_line(row)
        assert not set("\n\r") & set(line)
        assert tsv_cells(line) == row

    def test_labels_with_white_space(self, tmp_path, capsys):
        """What `classify` writes `significance` reads."""
        pytest.importorskip("scipy", reason="needs scipy")
        labels = ["a\tb", "c\nd", "e\\f", "g h", "i\r"]
        gold = np.arange(5)
        paths = [tmp_path / "a.tsv", tmp_path / "b.tsv"]
        for path, probabilities in zip(paths, (np.eye(5), np.eye(5)[::-1]), strict=True):
            result = recognition.Predictions("e6", labels, probabilities, gold)
            path.write_text(recognition.predictions_tsv([result]), encoding="utf-8")
        found = recognition.read_predictions(paths[0])["e6"]
        assert found.gold == found.predicted == labels
        main(["significance", "--predictions", *map(str, paths)])
        assert "80.00 points of e6 accuracy" in capsys.readouterr().out
