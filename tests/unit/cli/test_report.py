"""`emo-mtl report` through its entry point."""

import csv
import json
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import asdict

import pytest

from emo_mtl.cli.main import main
from emo_mtl.errors import UserError
from emo_mtl.evaluation.bootstrap import Interval
from emo_mtl.evaluation.comparison import Comparison, Significance, judge
from emo_mtl.evaluation.people.scores import PeopleScores, System
from emo_mtl.evaluation.people.study import QUESTIONS
from emo_mtl.evaluation.report import paper
from emo_mtl.evaluation.report.plots import learning_curves
from emo_mtl.evaluation.report.runs import gather_rows, read_run
from emo_mtl.evaluation.report.tables import NONE, csv_text, json_text, markdown
from emo_mtl.formats import typed_json

E6 = {"e6": 1.0}
HALF = {"e6": 0.5, "e2": 0.5, "e12": 0.0}


@pytest.fixture
def write(tmp_path):
    """Write a run folder whose paper BLEU is `bleu` and whose other scores follow from it."""

    def write_run(row, bleu, seed=None, weights=None, parts=("all",), log="", test=10, **more):
        folder = tmp_path / f"{row}-{seed}".replace("/", "-")
        folder.mkdir()
        about = {"row": row, "seed": seed, "loss_weights": weights, "model": "tiny", **more}
        rows = [
            {
                "part": part,
                "sacrebleu": bleu + 1,
                "paper_bleu": bleu,
                "distinct_1": 5.5,
                "distinct_2": 25.0,
                "average_length": 12.0,
                "lines": test,
            }
            for part in parts
        ]
        emotions = [
            {"task": task, "examples": 20, "accuracy": 60.0, "macro_f1": 50.0}
            for task in ("e6", "mood")
        ]
        for name, content in {
            "run": about,
            "evaluate": {"words": "w", "rows": rows},
            "classify": emotions,
        }.items():
            (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
        if log:
            (folder / "train.log").write_text(log, encoding="utf-8")
        return folder

    return write_run


def epochs(*perplexities):
    lines = []
    for number, ppl in enumerate(perplexities, start=1):
        stats = f"response_loss 3 | response_ppl {ppl} | e6_loss 1 | e6_accuracy 50 | e6_f1 40"
        stats += f" | num_updates {10 * number}\n"
        lines += [
            f"epoch {number:03d} | valid on 'valid' subset | {stats}",
            f"epoch {number:03d} | {stats}",
        ]
    return "".join(lines)


def beginning(**dimensions):
    """The line with which the log of a pretrained bart.large begins, with other dimensions if given."""
    numbers = ", ".join(f"{k}={v}" for k, v in (paper.DIMENSIONS | dimensions).items())
    flags = "'common': {'seed': 1}, 'classification_tasks': '', 'loss_weights': ''"
    return f"{{{flags}, 'model': Namespace(arch='emo_bart_large', {numbers})}}\n" + epochs(9)


def trained_on(folder, **corpora):
    """Leave a run the manifest of corpora, and no scores of emotions; returns the folder."""
    counted = {task: asdict(corpus) for task, corpus in corpora.items()}
    tasks = {task: {"corpus": c.pop("name"), "counts": c} for task, c in counted.items()}
    (folder / "checkpoints").mkdir()
    manifest = {"settings": {}, "files": {}, "tasks": tasks}
    (folder / "checkpoints" / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "classify.json").unlink()
    return folder


@pytest.fixture
def large(write):
    """A run as the paper's, but for what is given; returns the folder."""

    def write_large(row="R", seed=1, log=None, corpus=paper.CORPORA["response"], test=6740):
        log = beginning() if log is None else log
        folder = write(row, 32, seed=seed, weights={}, model="large", log=log, test=test)
        return trained_on(folder, response=corpus)

    return write_large


@pytest.fixture
def runs(write):
    return [
        write("copy of the utterance", 0.5, baseline=True),
        write("R+E6+E2", 22, seed=1, weights=HALF),
        write("R+E6", 20, seed=1, weights=E6, parts=("all", "clean", "seen"), log=epochs(90, 30)),
        write("R+E6", 23, seed=2, weights=E6, parts=("all", "clean", "seen"), log=epochs(80, 28)),
    ]


def rows_of(folders):
    return gather_rows(map(read_run, folders))


@pytest.fixture
def report(tmp_path, capsys):
    """Run the command; returns the folder and what it printed."""
    pytest.importorskip("matplotlib")

    def make(*folders, out="report", flags=()):
        main(["report", *map(str, folders), "--out", str(tmp_path / out), *flags])
        return tmp_path / out, capsys.readouterr().out

    return make


def table(markdown, title):
    """The rows of the first table after a title: cells by the first one."""
    lines = markdown[markdown.index(title) :].splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("|"))
    found = {}
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        first, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        found[first] = cells
    return found


class TestMarkdown:
    def test_table_2(self, runs):
        text = markdown(rows_of(runs), [])
        rows = table(text, "### all test examples")
        # (23 - 20) / sqrt(2) = 2.12
        ours = ["tiny, from scratch", "2", "22.50 ± 2.12", "21.50 ± 2.12"]
        assert rows["R+E6"] == [*ours, "5.50 ± 0.00", "25.00 ± 0.00", "12.00 ± 0.00", "10"]
        assert rows["R+E6+E2"][:4] == ["tiny, from scratch", "1", "23.00", "22.00"]
        italics = ["*32.29*", "*5.93*", "*30.48*", "*14.12*"]
        assert rows["*paper: R+E6*"] == ["*bart.large, pretrained*", NONE, NONE, *italics, NONE]
        names = list(rows)
        assert names[2:5] == ["R+E6", "R+E6+E2", "baseline: copy of the utterance"]
        assert names[5:] == [f"*paper: {row.name}*" for row in paper.TABLE_2]

    def test_parts_have_no_numbers_of_the_paper(self, runs):
        text = markdown(rows_of(runs), [])
        for title in ("### clean", "### seen"):
            rows = table(text, title)
            assert list(rows)[2:] == ["R+E6"]
            assert rows["R+E6"][2] == "22.50 ± 2.12"

    def test_table_4_and_other_heads(self, runs):
        text = markdown(rows_of(runs), [])
        rows = table(text, "## Emotion recognition")
        assert rows[""][2:] == ["E6 acc", "E6 F1", "E6 n", "MOOD acc", "MOOD F1", "MOOD n"]
        assert rows["*paper: R+E6*"][2:5] == ["*64.32*", "*56.53*", NONE]

    def test_table_5(self, runs):
        text = markdown(rows_of(runs), [])
        rows = table(text, "## Loss weights")
        assert list(rows)[2:] == [
            "R+E6 λ=(1,0,0)",
            "R+E6+E2 λ=(.5,.5,0)",
            "*paper: R+E6 λ=(1,0,0)*",
            *(f"*paper: {row.name}*" for row in paper.TABLE_5[1:]),
        ]
        assert rows["R+E6+E2 λ=(.5,.5,0)"][3] == "22.00"

    def test_perplexity(self, runs):
        text = markdown(rows_of(runs), [])
        assert table(text, "## Validation perplexity")["R+E6"][2] == "29.00 ± 1.41"

    def test_what_may_be_compared(self, runs, large):
        text = markdown(rows_of([*runs, large(), large("mine", test=10)]), [])
        assert "- May be compared with the paper: R\n" in text
        reasons = (
            "other model size, no pretraining; unknown training data; test sets of other sizes"
        )
        assert f"({reasons}: response, e6): R+E6, R+E6+E2\n" in text
        assert "(test sets of other sizes: response): mine\n" in text
        assert table(text, "## Test sets")["response"] == ["10, 6,740", "*6,740*"]

    def test_large_by_name_only(self, large):
        """`--model large` with smaller dimensions in `--extra`, and a run whose log is gone."""
        rows = rows_of([large("small", log=beginning(encoder_layers=2)), large("gone", log="")])
        text = markdown(rows, [])
        assert "(other model size): small\n" in text
        assert "(unknown dimensions of the model): gone\n" in text
        assert table(text, "### all test examples")["small"][0] == (
            "large with other dimensions, pretrained"
        )
        comparable = {
            r["comparable_with_paper"] for r in csv.DictReader(csv_text(rows).split("\n"))
        }
        assert comparable == {"no", ""}

    def test_training_data(self, large, runs):
        """The manifests' corpora, whatever they are; what is not known is said."""
        own = paper.Corpus("my_talks |", 1234, 5, 6)
        lost = large(seed=2)
        (lost / "checkpoints" / "manifest.json").unlink()
        rows = rows_of([large(), lost, large("mine", corpus=own), runs[0], runs[1]])
        text = markdown(rows, [])
        lines = text[text.index("## Training data (Table 1)") :].splitlines()
        assert lines[4:7] == [
            "| response | DailyDialog | R | 76,052 | 7,069 | 6,740 |",
            r"| response | my_talks \| | mine | 1,234 | 5 | 6 |",
            "| *response* | *DailyDialog* | *paper* | *76,052* | *7,069* | *6,740* |",
        ]
        assert "**Not known** of R (1 of 2), R+E6+E2: found no manifest.json" in text
        assert "(unknown training data): R\n" in text
        assert "(other training data: response): mine\n" in text
        content = json.loads(json_text(rows))
        mine = next(row for row in content["rows"] if row["row"] == "mine")
        assert mine["runs"][0]["corpora"] == {"response": asdict(own)}

    @pytest.mark.parametrize(
        ("model", "train", "label", "reasons"),
        [
            (
                "base",
                "fairseq-train --finetune-from-model m.pt",
                "base, pretrained",
                "other model size",
            ),
            ("base", "fairseq-train", "base, from scratch", "other model size, no pretraining"),
            ("large", "fairseq-train", "large, from scratch", "no pretraining"),
        ],
    )
    def test_what_a_run_started_from(self, write, model, train, label, reasons):
        folder = write("R", 30, weights={}, model=model, train=train, log=beginning(), test=6740)
        trained_on(folder, response=paper.CORPORA["response"])
        text = markdown(rows_of([folder]), [])
        assert table(text, "### all test examples")["R"][0] == label
        assert f"- **Not to be compared with the paper** ({reasons}): R\n" in text

    def test_a_score_that_a_seed_lacks(self, runs):
        (runs[3] / "evaluate.json").unlink()
        text = markdown(rows_of(runs), [])
        assert table(text, "### all test examples")["R+E6"][3] == "20.00 (1 of 2)"


class TestFiles:
    def test_csv(self, runs):
        rows = list(csv.DictReader(csv_text(rows_of(runs)).splitlines()))
        (ours,) = (
            r
            for r in rows
            if r["row"] == "R+E6" and r["part"] == "clean" and r["measure"] == "paper_bleu"
        )
        assert (ours["source"], ours["comparable_with_paper"], ours["runs"]) == ("ours", "no", "2")
        assert float(ours["sd"]) == pytest.approx(3 / 2**0.5)
        papers = [r for r in rows if r["source"] == "paper"]
        # 8 systems with 4 scores of responses, 5 with 2 of emotions
        assert len(papers) == 8 * 4 + 5 * 2
        assert sum(r["paper_table"] == "5" for r in papers) == 3 * 4
        assert {r["kind"] for r in rows if r["row"].startswith("copy")} == {"baseline"}

    def test_json(self, runs):
        content = json.loads(json_text(rows_of(runs)))
        row = content["rows"][0]
        assert (row["row"], row["paper_row"], row["loss_weights"]) == ("R+E6", "R+E6", E6)
        assert [run["seed"] for run in row["runs"]] == [1, 2]
        (score,) = (
            s
            for s in row["scores"]
            if (s["task"], s["part"], s["measure"]) == ("response", "all", "paper_bleu")
        )
        assert (score["mean"], score["values"]) == (21.5, [20, 23])
        assert row["differences_from_paper"]
        assert content["rows"][-1]["baseline"]

    def test_people_and_significance(self, report, runs, tmp_path):
        """What the other commands write is shown beside the runs, with the paper's ratings."""
        mean = Interval(3.25, 3.0, 3.5)
        questions = dict.fromkeys((q.name for q in QUESTIONS), mean)
        people = PeopleScores(
            systems=[System(name="R", **questions)],
            differences=[],
            alpha=dict.fromkeys(questions, 0.5),
            raters={"h": 7},
            **dict.fromkeys(("items", "items_left_out", "ratings", "rejected"), 1),
            **dict.fromkeys(("workers", "raters_asked", "seed"), 7),
        )
        typed_json.write(tmp_path / "people.json", people)
        compared = Comparison("response", "a.txt", "b.txt", "BLEU", 10, 1, 2, 1, None, {"t": 0.01})
        judge([compared])
        typed_json.write(tmp_path / "s.json", Significance(1, ["a note"], [compared]))
        flags = ["--people", tmp_path / "people.json", "--significance", tmp_path / "s.json"]
        folder, _ = report(runs[0], flags=[*map(str, flags)])
        text = (folder / "report.md").read_text(encoding="utf-8")
        ours = table(text, "## Ratings by people")
        assert ours["R"] == ["3.25 [3.00, 3.50]"] * 4
        assert "| *paper: R+E6* | *3.59* | *3.82* | *3.62* | *3.96* |" in text
        assert "b.txt is better than a.txt by 1.00 BLEU, more than chance" in text
        content = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        assert content["people"]["systems"][0]["emotion"]["low"] == 3
        assert content["significance"][0]["comparisons"][0]["p"] == {"t": 0.01}

    @pytest.mark.slow
    def test_figures(self, report, runs):
        folder, printed = report(*runs[1:3])
        assert printed == (folder / "report.md").read_text(encoding="utf-8")
        assert json.loads((folder / "report.json").read_text(encoding="utf-8"))["rows"]
        assert (folder / "report.csv").read_text(encoding="utf-8").startswith("source,row,kind,")
        images = {"curves-response", "curves-e6", "loss-weights"}
        assert {path.stem for path in folder.iterdir() if path.suffix in (".svg", ".png")} == images
        for name in images:
            assert ElementTree.parse(folder / f"{name}.svg").getroot().tag.endswith("svg")
            assert f"![{name}]({name}.png)" in printed
        # the same runs give the same files
        again, _ = report(*runs[1:3], out="again")
        first, second = ({p.name: p.read_bytes() for p in f.iterdir()} for f in (folder, again))
        assert first == second

    def test_without_logs_and_loss_weights_there_is_no_figure(self, report, runs):
        folder, text = report(runs[0])
        assert {path.name for path in folder.iterdir()} == {
            "report.md",
            "report.csv",
            "report.json",
        }
        assert "Figures" not in text

    def test_overwrite(self, report, runs, tmp_path):
        folder, _ = report(runs[0])
        with pytest.raises(UserError, match="add --overwrite"):
            report(runs[1])
        assert not (folder / "loss-weights.svg").exists()
        report(runs[1], flags=["--overwrite"])
        assert (folder / "loss-weights.svg").exists()
        with pytest.raises(UserError, match=r"found no report\.json in it"):
            report(runs[0], out=runs[1].name, flags=["--overwrite"])
        assert {p.name for p in tmp_path.iterdir()} == {"report", *(run.name for run in runs)}

    def test_without_matplotlib(self, report, runs, monkeypatch):
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        with pytest.raises(UserError, match=r"pip install 'emo-mtl\[report\]'"):
            report(*runs)

    def test_a_broken_run_leaves_nothing(self, report, runs, tmp_path):
        (runs[2] / "train.log").write_text("epoch 001 | loss\n", encoding="utf-8")
        with pytest.raises(UserError, match=r"train\.log, line 1"):
            report(*runs)
        assert not (tmp_path / "report").exists()


@pytest.mark.slow
class TestCurves:
    def test_names_are_shown_as_they_are(self, report, write):
        """No formula, nothing left out of the legend, no character that an SVG cannot hold."""
        names = ["_hidden", "$\\frac$ a_b", "x\x1b\0y", "<script>&amp;"]
        runs = [write(row, 1, log=epochs(9, 8), weights=E6) for row in "RSTU"]
        for folder, name in zip(runs, names, strict=True):
            run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
            text = json.dumps(run | {"row": name, "model": name})
            (folder / "run.json").write_text(text, encoding="utf-8")
        made, _ = report(*runs)
        assert ElementTree.parse(made / "curves-response.svg")
        figure = learning_curves(rows_of(runs), "response")
        assert len(figure.legends[0].get_texts()) == len(names) + 2

    def test_lines(self, runs):
        pytest.importorskip("matplotlib")
        rows = rows_of(runs)
        figure = learning_curves(rows, "response")
        epochs_, updates = figure.axes[1], figure.axes[3]  # perplexity
        assert epochs_.get_yscale() == "log"
        # train and valid of two seeds
        lines = {tuple(line.get_ydata()) for line in epochs_.lines}
        assert lines == {(90, 30), (80, 28)}
        assert len(epochs_.lines) == 4
        assert len({line.get_color() for line in epochs_.lines}) == 1
        assert {tuple(line.get_xdata()) for line in epochs_.lines} == {(1, 2)}
        assert {tuple(line.get_xdata()) for line in updates.lines} == {(10, 20)}
        labels = [text.get_text() for text in figure.legends[0].get_texts()]
        assert labels == ["R+E6", "train, mean of the epoch", "valid"]
        assert len(learning_curves(rows, "e6").axes) == 6  # loss, accuracy, F1
