"""Generated responses: reading them, and the automatic scores of the paper's Table 2."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from emo_mtl.errors import UserError
from emo_mtl.evaluation.metrics import (
    average_length,
    bleu,
    compression_ratio,
    different,
    distinct_n,
    most_frequent_share,
    paper_bleu,
)
from emo_mtl.evaluation.parts import PARTS_NOTE
from emo_mtl.formats import markdown
from emo_mtl.formats.typed_json import Score
from emo_mtl.io import read_lines

# "S-12\t...": a line of fairseq-generate (source, target, hypothesis, detokenised, positional)
_GENERATE_LINE = re.compile(r"([STHDP])-(\d{1,18})\t")  # int() refuses thousands of digits

# its last line, printed when the data has targets
_GENERATE_END = re.compile(r"Generate .* with beam=\d+: ")

_LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \| [A-Z]+ \| ")


@dataclass
class Responses:
    """The content of one hypotheses file, in the order of the data set."""

    hypotheses: list[str]
    references: list[str] | None  # the T- lines; None in plain text and in data without targets
    nbest: int  # hypotheses an id in the file, of which the first is kept


@dataclass(kw_only=True)
class Row:
    """One row of Table 2.

    `part` is `all`, or `clean` or `seen`: not or also in the training data.
    Scores are in percent, `average_length` is in words, `compression` is a ratio; `different`, `lines` and
    `empty_lines` count hypotheses, `references_each` the references of each.
    """

    hypotheses: str = ""
    references: str = ""
    part: str = "all"
    sacrebleu: Score
    sacrebleu_signature: str = ""
    paper_bleu: Score
    distinct_1: Score
    distinct_2: Score
    average_length: Score
    different: int = 0
    most_frequent: Score = float("nan")
    compression: Score = float("nan")
    references_each: int = 1
    lines: int
    empty_lines: int = 0
    nbest: int = 1


@dataclass(kw_only=True)
class ResponseScores:
    """What `--json` of `emo-mtl evaluate` holds."""

    words: str = ""  # what is counted as one
    rows: list[Row]


def score(
    responses: Responses,
    references: Sequence[Sequence[str]],
    words: Callable[[str], list[str]],
    parts: dict[str, Sequence[int]],
    names: tuple[str, str],
) -> list[Row]:
    """Score responses to N utterances, whole and in parts.

    Args:
        references: N gold responses; or several such sequences
        words: cuts a line into words
        parts: positions, from 0, of what each row is about
        names: of the hypotheses and of the references
    """
    hypothesis_words = [words(line) for line in responses.hypotheses]
    reference_words = [[words(line) for line in lines] for lines in references]
    rows = []
    for part, ids in parts.items():
        hypotheses = [responses.hypotheses[i] for i in ids]
        part_words = [hypothesis_words[i] for i in ids]
        sacrebleu, signature = bleu(hypotheses, *([lines[i] for i in ids] for lines in references))
        rows.append(
            Row(
                hypotheses=names[0],
                references=names[1],
                part=part,
                sacrebleu=sacrebleu,
                sacrebleu_signature=signature,
                paper_bleu=paper_bleu(
                    part_words, *([lines[i] for i in ids] for lines in reference_words)
                ),
                distinct_1=distinct_n(part_words, 1),
                distinct_2=distinct_n(part_words, 2),
                average_length=average_length(part_words),
                different=different(hypotheses),
                most_frequent=most_frequent_share(hypotheses),
                compression=compression_ratio(hypotheses),
                references_each=len(references),
                lines=len(hypotheses),
                empty_lines=sum(not line.strip() for line in hypotheses),
                nbest=responses.nbest,
            )
        )
    return rows


def read_responses(path: Path) -> Responses:
    """Read the output of fairseq-generate, or plain text with one response a line.

    A file with a line such as `H-12<tab>` is taken for the former; its other lines (log,
    progress) are skipped.

    Raises:
        UserError: the file cannot be read, is empty, incomplete or holds sub-words.
    """
    lines = read_lines(path)
    if any(_GENERATE_LINE.match(line) for line in lines):
        responses = _parse_generate(path, lines)
    elif any(_GENERATE_END.match(line) or _LOG_LINE.match(line) for line in lines):
        raise UserError(
            f"{path}: found log lines of fairseq, but no hypotheses; expected H- or D- lines; "
            "run fairseq-generate without --quiet, and to its end"
        )
    else:
        responses = Responses(lines, references=None, nbest=1)
    # with the references: a poor model may well answer every line with a number
    check_is_text(path, responses.hypotheses + (responses.references or []))
    return responses


def read_systems(paths: Iterable[Path], count: int, utterances: Path) -> dict[str, list[str]]:
    """The responses of several systems, by the names of their files.

    Args:
        count: how many each must have
        utterances: where those are that they answer, for the message

    Raises:
        UserError: as of :func:`read_responses`, or another number of responses
    """
    systems = {str(path): read_responses(path).hypotheses for path in paths}
    for name, responses in systems.items():
        if len(responses) != count:
            raise UserError(
                f"{name}: found {len(responses):,} hypotheses, expected {count:,}, one for each utterance of "
                f"{utterances}: give the --subset that was generated"
            )
    return systems


def _parse_generate(path: Path, lines: list[str]) -> Responses:
    # What a line holds: H-<id> <score> <text>, D-<id> <score> <text>, T-<id> <text>, tabs between.
    texts: dict[str, dict[int, list[str]]] = {kind: {} for kind in "STHDP"}
    last_id: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        match = _GENERATE_LINE.match(line)
        if not match:
            continue
        kind, sample = match[1], int(match[2])
        columns = 3 if kind in "HD" else 2
        fields = line.split("\t", columns - 1)
        if len(fields) != columns:
            raise UserError(
                f"{path}, line {number}: found {len(fields)} columns, expected {columns} with "
                f"tabs between them in a {kind}- line; was the file cut off or edited? generate "
                "it again"
            )
        # The lines of an n-best list follow each other; any other repetition is a second run.
        if sample in texts[kind] and (kind in "ST" or last_id[kind] != sample):
            raise UserError(
                f"{path}, line {number}: {kind}-{sample} was there before; expected each id once; "
                "were two runs written to one file? keep one of them"
            )
        last_id[kind] = sample
        texts[kind].setdefault(sample, []).append(fields[-1])

    targets = texts["T"]
    hypotheses = texts["D"] or texts["H"]
    if not hypotheses:
        raise UserError(
            f"{path}: found lines of fairseq-generate, but no hypotheses; expected H- or D- lines; "
            "was the file cut off or filtered? generate it again"
        )
    # Files reduced to some of the letters, e.g. with grep, have lost the last line by intention.
    if targets and texts["P"] and not any(_GENERATE_END.match(line) for line in lines):
        raise UserError(
            f"{path}, line {len(lines)}: the file ends too early; expected a last line "
            "'Generate SUBSET with beam=N: ...'; fairseq-generate was interrupted, run it again"
        )
    gap = next((i for i in range(len(hypotheses)) if i not in hypotheses), None)
    if gap is not None:
        raise UserError(
            f"{path}: found no hypothesis with id {gap}, but {len(hypotheses)} hypotheses with ids "
            f"up to {max(hypotheses)}; expected every id from 0 on; was the file cut off, or made "
            "with --skip-invalid-size-inputs-valid-test? generate the whole subset, with "
            "--required-batch-size-multiple 1 (otherwise fairseq after 0.12.2 leaves out the last "
            "batch unless its size is a multiple of 8)"
        )
    if targets and targets.keys() != hypotheses.keys():
        sample = min(targets.keys() ^ hypotheses.keys())
        found, lacking = ("T-", "H- or D-") if sample in targets else ("H- or D-", "T-")
        raise UserError(
            f"{path}: id {sample} has a {found} line but no {lacking} line; expected both for "
            "every id; was the file cut off or edited? generate it again"
        )
    return Responses(
        hypotheses=[hypotheses[sample][0] for sample in sorted(hypotheses)],
        references=[targets[sample][0] for sample in sorted(targets)] or None,
        nbest=max(map(len, hypotheses.values())),
    )


def check_is_text(path: Path, lines: list[str]) -> None:
    """Raise UserError if every line consists of sub-words: GPT-2 BPE ids or SentencePieces."""
    filled = [line for line in lines if line.strip()]
    if filled and (
        all(re.fullmatch(r"[\d\s]+", line) for line in filled)
        or all("\u2581" in line for line in filled)
    ):
        raise UserError(
            f"{path}: found sub-words such as {filled[0][:40]!r}, expected text; run "
            "fairseq-generate with the --bpe flags of the data (e.g. --bpe gpt2)"
        )


def table(scores: ResponseScores) -> str:
    """Markdown: a line for each row, and what the columns mean."""
    rows = scores.rows
    in_parts = any(row.part != "all" for row in rows)
    texts = ("hypotheses", "part") if in_parts else ("hypotheses",)
    numbers = ["sacreBLEU", "paper BLEU", "dist-1", "dist-2", "Avg Len", "different"]
    numbers += ["most frequent", "compression", "lines", "empty"]
    cells = []
    for row in rows:
        values = (row.sacrebleu, row.paper_bleu, row.distinct_1, row.distinct_2, row.average_length)
        names = [markdown.text(row.hypotheses), *([row.part] if in_parts else [])]
        variety = [str(row.different), f"{row.most_frequent:.2f}", f"{row.compression:.2f}"]
        counts = [str(row.lines), str(row.empty_lines)]
        cells.append([*names, *(f"{value:.2f}" for value in values), *variety, *counts])
    lines = [
        markdown.table([*texts, *numbers], cells, texts=len(texts)),
        "",
        *(
            f"sacreBLEU [%]: {signature}"
            for signature in dict.fromkeys(row.sacrebleu_signature for row in rows)
        ),
        f"paper BLEU [%]: unsmoothed corpus BLEU-4 as NLTK computes it; words: {scores.words}",
        f"dist-1, dist-2 [%]: distinct n-grams / words; words: {scores.words}",
        f"Avg Len: words a line; words: {scores.words}",
        "different: lines; most frequent [%]: share of that line; compression: size / size after zlib",
    ]
    if in_parts:
        lines.append(PARTS_NOTE)
    for row in rows:
        if row.part == "all":
            name, references = markdown.text(row.hypotheses), markdown.text(row.references)
            each = f", {row.references_each} a line" if row.references_each > 1 else ""
            lines.append(f"{name}: references are {references}{each}")
            if row.nbest > 1:
                lines.append(f"{name}: the first of up to {row.nbest} hypotheses an id")
    return "\n".join(lines)
