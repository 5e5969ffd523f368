"""DailyDialog's text: a dialogue a line, in which every utterance, the last one too, ends in `__eou__`.

Beside `dialogues_train.txt` may stand `dialogues_emotion_train.txt` and `dialogues_act_train.txt`: for each
line as many numbers as it has utterances.
"""

from pathlib import Path

from emo_mtl.errors import UserError
from emo_mtl.io import text_lines
from emo_mtl.preparation.corpus import check_label, read_filled, shown
from emo_mtl.preparation.dialogues.dialogue import MARK, Dialogue, make_turn

# column -> the label of each number
EMOTIONS = ("none", "anger", "disgust", "fear", "happiness", "sadness", "surprise")
ACTS = ("inform", "question", "directive", "commissive")
LABELS = {
    "emotion": {str(number): label for number, label in enumerate(EMOTIONS)},
    "act": {str(number): label for number, label in enumerate(ACTS, start=1)},
}


def utterances(line: str, where: str) -> list[str]:
    """The raw utterances of a dialogue.

    Raises:
        UserError: the line does not end in `__eou__`
    """
    *texts, rest = line.split(MARK)
    if rest.strip() or not texts:
        raise UserError.at(
            where,
            found=f"a line that ends in {shown(line[-20:])}",
            expected=f"a dialogue whose utterances all end in {MARK}",
            fix=f"add {MARK} to it, or restore the file from the original release",
        )
    return texts


def label_files(path: Path) -> dict[str, Path]:
    """Column -> the file of labels beside a file of dialogues, of those that are there.

    Beside `dialogues_text.txt`, the release's whole text, they are `dialogues_emotion.txt` and so on.
    """
    part = path.stem.removeprefix("dialogues").removesuffix("_text")
    files = {column: path.with_name(f"dialogues_{column}{part}.txt") for column in LABELS}
    return {column: file for column, file in files.items() if file.is_file()}


def read_labels(path: Path, column: str, sizes: list[int]) -> list[list[str]]:
    """The labels of each line of a file.

    Args:
        sizes: how many a line must have

    Raises:
        UserError: there are more or fewer, or a number is no label
    """
    names = LABELS[column]
    lines = text_lines(read_filled(path))
    fix = "restore it from the release of the dialogues, or remove this file"
    if len(lines) != len(sizes):
        raise UserError.at(
            path,
            found=f"{len(lines)} lines",
            expected=f"{len(sizes)}, one for each dialogue",
            fix=fix,
        )
    labels = []
    for number, (line, size) in enumerate(zip(lines, sizes, strict=True), start=1):
        where = f"{path}:{number}"
        numbers = line.split()
        if len(numbers) != size:
            raise UserError.at(
                where,
                found=f"{len(numbers)} labels",
                expected=f"{size}, one for each utterance of the dialogue",
                fix=fix,
            )
        labels.append([names[check_label(number, names, where)] for number in numbers])
    return labels


def read(path: Path) -> list[Dialogue]:
    """The dialogues of a file, with the labels beside it.

    Raises:
        UserError: a line is no dialogue, an utterance is empty, or the labels do not fit
    """
    lines = [
        (f"{path}:{number}", utterances(line, f"{path}:{number}"))
        for number, line in enumerate(text_lines(read_filled(path)), start=1)
    ]
    sizes = [len(texts) for _, texts in lines]
    labels = {
        column: read_labels(file, column, sizes) for column, file in label_files(path).items()
    }
    return [
        [
            make_turn(text, where, labels={column: labels[column][i][j] for column in labels})
            for j, text in enumerate(texts)
        ]
        for i, (where, texts) in enumerate(lines)
    ]
