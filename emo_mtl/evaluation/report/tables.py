"""The rows of a report as Markdown for people, CSV (a line a score) and JSON for programs."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from emo_mtl.evaluation import comparison
from emo_mtl.evaluation.comparison import Significance
from emo_mtl.evaluation.people import scores as people_scores
from emo_mtl.evaluation.people.scores import PeopleScores
from emo_mtl.evaluation.people.study import QUESTIONS
from emo_mtl.evaluation.report import paper
from emo_mtl.evaluation.report.runs import Key, Row
from emo_mtl.formats import markdown as md
from emo_mtl.formats.delimited import csv_cell
from emo_mtl.names import RESPONSE
from emo_mtl.preparation.corpus import SPLITS

TITLES = {
    "sacrebleu": "sacreBLEU",
    "paper_bleu": "paper BLEU",
    "distinct_1": "dist-1",
    "distinct_2": "dist-2",
    "average_length": "Avg Len",
    "lines": "examples",
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "examples": "examples",
    "ppl": "valid ppl",
    "agreement": "agreement",
    "chance": "by chance",
    "kappa": "kappa",
    "gold_kappa": "kappa of gold",
}
COUNTS = ("lines", "examples")
PARTS = {  # of the test set
    "all": "all test examples",
    "clean": "clean: test examples that do not stand in train",
    "seen": "seen: test examples that stand in train",
}
TABLES = {  # measure -> the table of the paper it belongs to
    **dict.fromkeys(("sacrebleu", *paper.RESPONSE_MEASURES), "2"),
    **dict.fromkeys(paper.E6_MEASURES, "4"),
    **dict.fromkeys(COUNTS, "1"),
}
NONE = "–"  # noqa: RUF001
CSV_COLUMNS = (
    *("source", "row", "kind", "model", "comparable_with_paper", "paper_table"),
    *("task", "part", "measure", "mean", "sd", "runs"),
)


@dataclass(frozen=True)
class Column:
    """A score of the tables; its title is Markdown."""

    title: str
    key: Key


def differences_from_paper(row: Row) -> list[str]:
    """Why the scores of a row may not be compared with the paper's; empty if they may."""
    reasons = []
    other_model = (
        ("other model size", row.model != "large" or row.resized),
        ("no pretraining", not row.pretrained),
    )
    if row.model is None:
        reasons.append("unknown model")
    elif model := [reason for reason, holds in other_model if holds]:
        reasons.append(", ".join(model))
    if row.model == "large" and any(run.dimensions is None for run in row.runs):
        reasons.append("unknown dimensions of the model")
    if any(run.corpora is None for run in row.runs):
        reasons.append("unknown training data")
    other_corpora = {
        task: None
        for run in row.runs
        for task, corpus in (run.corpora or {}).items()
        if corpus != paper.CORPORA.get(task)
    }
    if other_corpora:
        reasons.append(f"other training data: {', '.join(other_corpora)}")
    others = [
        task
        for task, corpus in paper.CORPORA.items()
        if (found := row.summary(_count_key(task))) and set(found.values) != {corpus.test}
    ]
    if others:
        reasons.append(f"test sets of other sizes: {', '.join(others)}")
    return reasons


def _count_key(task: str) -> Key:
    """The key of the number of test examples."""
    return task, "all", "lines" if task == RESPONSE else "examples"


def markdown(
    rows: Sequence[Row],
    figures: Sequence[str],
    people: PeopleScores | None = None,
    significance: Sequence[Significance] = (),
) -> str:
    """The report to read.

    Args:
        figures: file names of images beside the report
        people: ratings of the responses by people
        significance: tests of differences between systems
    """
    sections = [
        "# Report",
        "Upright: ours. *Italic: the paper's (Ide & Kawahara 2021), bart.large, pretrained.* Scores in "
        "percent, Avg Len in words. Several seeds: mean ± sample standard deviation.",
        comparison_note(rows),
        *_responses(rows),
        *_classification(rows),
        *_loss_weights(rows),
        *_perplexity(rows),
        *_awareness(rows),
        *_people(people),
        *(["## More than chance?", *map(comparison.table, significance)] if significance else []),
        *_training_data(rows),
        *_test_sets(rows),
    ]
    if figures:
        sections.append("## Figures")
        sections += [f"![{name.rsplit('.', 1)[0]}]({name})" for name in figures]
    return "\n\n".join(sections) + "\n"


def comparison_note(rows: Sequence[Row]) -> str:
    """Which rows may be compared with the paper's, in words."""
    groups: dict[str, list[str]] = {}
    for row in rows:
        if not row.baseline:
            groups.setdefault("; ".join(differences_from_paper(row)), []).append(md.text(row.name))
    lines = []
    for reasons, names in groups.items():
        if reasons:
            lines.append(
                f"- **Not to be compared with the paper** ({md.text(reasons)}): {', '.join(names)}"
            )
        else:
            lines.append(f"- May be compared with the paper: {', '.join(names)}")
    lines.append(
        "- sacreBLEU, every head but E6, the parts clean and seen, perplexity and emotion awareness: not "
        "in the paper. Its BLEU is paper BLEU."
    )
    return "\n".join(lines)


def _responses(rows: Sequence[Row]) -> list[str]:
    measures = ("sacrebleu", *paper.RESPONSE_MEASURES, "lines")
    sections = []
    for part in _parts(rows, [RESPONSE]):
        columns = [Column(TITLES[measure], (RESPONSE, part, measure)) for measure in measures]
        sections += [_part_heading(part), _table(rows, columns, paper.TABLE_2)]
    return ["## Responses (Table 2)", *sections] if sections else []


def _classification(rows: Sequence[Row]) -> list[str]:
    tasks = _tasks(rows, "accuracy")
    sections = []
    for part in _parts(rows, tasks):
        columns = [
            Column(f"{md.text(task.upper())} {title}", (task, part, measure))
            for task in tasks
            for title, measure in (("acc", "accuracy"), ("F1", "macro_f1"), ("n", "examples"))
        ]
        sections += [_part_heading(part), _table(rows, columns, paper.TABLE_2)]
    if not sections:
        return []
    note = "acc: accuracy; F1: macro-F1, the mean over the labels; n: examples."
    return ["## Emotion recognition (Table 4)", note, *sections]


def _loss_weights(rows: Sequence[Row]) -> list[str]:
    rows = weighted_rows(rows)
    if not rows:
        return []
    measures = ("sacrebleu", *paper.RESPONSE_MEASURES)
    columns = [Column(TITLES[measure], (RESPONSE, "all", measure)) for measure in measures]
    columns += [
        Column(f"E6 {TITLES[measure]}", ("e6", "all", measure)) for measure in paper.E6_MEASURES
    ]
    return ["## Loss weights (Table 5)", _table(rows, columns, paper.TABLE_5, lambdas=True)]


def weighted_rows(rows: Sequence[Row]) -> list[Row]:
    """Our rows of Table 5, if there is one besides R+E6, which is in Table 2 too."""
    found = [row for row in rows if row.paper in paper.TABLE_5]
    return found if any(row.paper != paper.TABLE_5[0] for row in found) else []


def _perplexity(rows: Sequence[Row]) -> list[str]:
    columns = [Column(TITLES["ppl"], (RESPONSE, "valid", "ppl"))]
    if not _rows_with(rows, columns):
        return []
    note = "Of the responses of the validation set, per token; the lowest of all validations."
    return ["## Validation perplexity", note, _table(rows, columns)]


def _awareness(rows: Sequence[Row]) -> list[str]:
    tasks = _tasks(rows, "agreement")
    sections = []
    for part in _parts(rows, tasks, "agreement"):
        columns = [
            Column(f"{md.text(task.upper())} {TITLES[measure]}", (task, part, measure))
            for task in tasks
            for measure in ("agreement", "chance", "kappa", "gold_kappa")
        ]
        sections += [_part_heading(part), _table(rows, columns)]
    if not sections:
        return []
    note = (
        "How often a classifier sees the same emotion in utterance and response, in percent, and Cohen's "
        "kappa: 0 for chance, 1 for always. It measures echo, not empathy; compare with the gold responses."
    )
    return ["## Emotion awareness", note, *sections]


def _people(found: PeopleScores | None) -> list[str]:
    if found is None:
        return []
    header = ["", *(question.column for question in QUESTIONS)]
    papers = [
        [f"*paper: {row.name}*", *(f"*{rating:.2f}*" for rating in row.people)]
        for row in paper.ROWS
    ]
    return [
        "## Ratings by people (Tables 2 and 5)",
        people_scores.table(found),
        md.table(header, papers),
    ]


def _training_data(rows: Sequence[Row]) -> list[str]:
    """What the systems were trained on, by the manifests; the paper's corpora below."""
    found: dict[tuple[str, paper.Corpus], list[str]] = {}
    unknown = []
    for row in rows:
        corpora = next((run.corpora for run in row.runs if run.corpora is not None), {})
        for task, corpus in corpora.items():
            found.setdefault((task, corpus), []).append(md.text(row.name))
        missing = [run for run in row.runs if run.corpora is None and not row.baseline]
        if missing:
            of = "" if len(missing) == len(row.runs) else f" ({len(missing)} of {len(row.runs)})"
            unknown.append(f"{md.text(row.name)}{of}")
    lines = [_corpus_line(task, corpus, names) for (task, corpus), names in found.items()]
    papers = [
        [f"*{cell}*" for cell in _corpus_line(task, corpus, ["paper"])]
        for task, corpus in paper.CORPORA.items()
    ]
    header = ["task", "corpus", "systems", *SPLITS]
    sections = [md.table(header, [*lines, *papers], texts=3)] if lines else []
    if unknown:
        sections.append(
            f"**Not known** of {', '.join(unknown)}: found no manifest.json in `checkpoints/` of the "
            "run folder, where training leaves it."
        )
    return ["## Training data (Table 1)", *sections] if sections else []


def _corpus_line(task: str, corpus: paper.Corpus, systems: Sequence[str]) -> list[str]:
    sizes = [f"{getattr(corpus, split):,}" for split in SPLITS]
    return [md.text(task), md.text(corpus.name) or NONE, ", ".join(systems), *sizes]


def _test_sets(rows: Sequence[Row]) -> list[str]:
    counted = []
    for task, corpus in paper.CORPORA.items():
        summaries = [row.summary(_count_key(task)) for row in rows]
        counts = sorted({value for s in summaries if s for value in s.values})
        if counts:
            ours = ", ".join(f"{count:,.0f}" for count in counts)
            counted.append([task, ours, f"*{corpus.test:,}*"])
    if not counted:
        return []
    header = ["test examples", "ours", "*paper*"]
    return ["## Test sets (Table 1)", md.table(header, counted)]


def _part_heading(part: str) -> str:
    return f"### {PARTS[part] if part in PARTS else md.text(part)}"


def _table(
    rows: Sequence[Row],
    columns: Sequence[Column],
    paper_rows: Sequence[paper.PaperRow] = (),
    lambdas: bool = False,
) -> str:
    """Our systems, the baselines, then the paper's rows, each where it has any of the scores."""
    lines = []
    for row in _rows_with(rows, columns):
        name = md.text(row.name)
        if lambdas and row.paper:
            name = _with_lambdas(name, row.paper)
        cells = [_cell(row, column.key) for column in columns]
        first = ("baseline: " + name, NONE) if row.baseline else (name, _model(row))
        lines.append([*first, str(len(row.runs)), *cells])
    for paper_row in paper_rows:
        scores = paper_row.scores()
        if any(column.key in scores for column in columns):
            cells = [f"*{scores[c.key]:.2f}*" if c.key in scores else NONE for c in columns]
            name = paper_row.name
            if lambdas:
                name = _with_lambdas(name, paper_row)
            start = (f"*paper: {name}*", f"*{paper.MODEL}*", NONE)
            lines.append([*start, *cells])
    header = ["", "model", "seeds", *(column.title for column in columns)]
    return md.table(header, lines, texts=2)


def _with_lambdas(name: str, paper_row: paper.PaperRow) -> str:
    return name if "λ" in name else f"{name} λ={paper_row.lambdas}"


def _cell(row: Row, key: Key) -> str:
    summary = row.summary(key)
    if summary is None:
        return NONE
    if key[2] in COUNTS:
        return ", ".join(f"{value:,.0f}" for value in sorted(set(summary.values)))
    text = f"{summary.mean:.2f}"
    if summary.sd is not None:
        text += f" ± {summary.sd:.2f}"
    if len(summary.values) < len(row.runs):
        text += f" ({len(summary.values)} of {len(row.runs)})"
    return text


def _model(row: Row) -> str:
    if row.model is None:
        return "unknown"
    return f"{md.text(model_name(row))}, {'pretrained' if row.pretrained else 'from scratch'}"


def model_name(row: Row) -> str:
    """What the model of a row is called, without what it began with."""
    return f"{row.model or 'unknown model'}{' with other dimensions' if row.resized else ''}"


def _rows_with(rows: Sequence[Row], columns: Sequence[Column]) -> list[Row]:
    return [row for row in rows if any(row.summary(column.key) for column in columns)]


def _keys(rows: Sequence[Row]) -> list[Key]:
    return list(dict.fromkeys(key for row in rows for key in row.scores))


def _tasks(rows: Sequence[Row], measure: str) -> list[str]:
    """Tasks with a measure, the paper's first."""
    return ordered([task for task, _, name in _keys(rows) if name == measure], paper.TASKS)


def _parts(rows: Sequence[Row], tasks: Sequence[str], measure: str | None = None) -> list[str]:
    found = [
        part
        for task, part, name in _keys(rows)
        if task in tasks and part != "valid" and (measure is None or name == measure)
    ]
    return ordered(found, list(PARTS))


def ordered(names: Sequence[str], known: Sequence[str]) -> list[str]:
    """Without repetition, known names first."""
    found = list(dict.fromkeys(names))
    return [name for name in known if name in found] + [name for name in found if name not in known]


def csv_text(rows: Sequence[Row]) -> str:
    """A line for each score, ours and the paper's, with a header."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for row in rows:
        kind = "baseline" if row.baseline else "system"
        comparable = "no" if row.baseline or differences_from_paper(row) else "yes"
        for key, s in row.scores.items():
            scores = (s.mean, "" if s.sd is None else s.sd, len(s.values))
            model = model_name(row) if row.model else ""
            start = ("ours", row.name, kind, model, comparable)
            cells = [*start, TABLES.get(key[2], ""), *key, *scores]
            writer.writerow(map(csv_cell, cells))
    for paper_row in paper.ROWS:
        for key, score in paper_row.scores().items():
            table = TABLES[key[2]] if paper_row in paper.TABLE_2 else "5"
            writer.writerow(
                ["paper", paper_row.name, "system", paper.MODEL, "", table, *key, score, "", ""]
            )
    return out.getvalue()


def json_text(
    rows: Sequence[Row],
    people: PeopleScores | None = None,
    significance: Sequence[Significance] = (),
) -> str:
    """The rows with all values, the paper's, and what else :func:`markdown` was given."""
    ours = [
        {
            "row": row.name,
            "baseline": row.baseline,
            "model": row.model,
            "loss_weights": row.runs[0].loss_weights,
            "paper_row": row.paper.name if row.paper else None,
            "differences_from_paper": [] if row.baseline else differences_from_paper(row),
            "runs": [
                {
                    "folder": str(run.folder),
                    "seed": run.seed,
                    "dimensions": run.dimensions,
                    "corpora": run.corpora,
                }
                for run in row.runs
            ],
            "scores": [
                {
                    **dict(zip(("task", "part", "measure"), key, strict=True)),
                    "mean": summary.mean,
                    "sd": summary.sd,
                    "values": list(summary.values),
                }
                for key, summary in row.scores.items()
            ],
        }
        for row in rows
    ]
    papers = [
        {
            "row": row.name,
            "loss_weights": dict(zip(paper.TASKS, row.weights, strict=True)),
            "scores": [
                {"task": task, "part": part, "measure": measure, "value": value}
                for (task, part, measure), value in row.scores().items()
            ],
        }
        for row in paper.ROWS
    ]
    content = {"rows": ours, "paper": {"model": paper.MODEL, "rows": papers}}
    if people:
        content["people"] = asdict(people)
    if significance:
        content["significance"] = [asdict(found) for found in significance]
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False, default=asdict) + "\n"
