"""Twitter Emotion Corpus (Mohammad 2012) -> six emotions (task `e6`).

One tweet a line: `id:<TAB>text<TAB>:: label`. Leading mentions (`@user `) and trailing hashtags
(` #tag`) are removed as long as there are any, since a hashtag may give the label away. As in the
paper's data a hashtag that is followed by a space stays: the text is stripped only afterwards.
Cut 8:1:1 in file order.
"""

import re
from pathlib import Path

from emo_mtl.errors import UserError
from emo_mtl.io import text_lines
from emo_mtl.preparation.corpus import (
    Dataset,
    Pairs,
    check_label,
    clean,
    cut_8_1_1,
    read_filled,
    shown,
)

FILE = "Jan9-2012-tweets-clean.txt"
LABELS = ("anger", "disgust", "fear", "joy", "sadness", "surprise")

# A tab may stand inside a tweet: the first and the last one of a line are the separators.
LINE = re.compile(r"\d+:\t(?P<text>.*)\t:: (?P<label>.*)", re.DOTALL)
# ASCII: `@usér ` is no user name, and a no-break space separates nothing.
MENTIONS = re.compile(r"\A(?:@\w+\s+)+", re.ASCII)
HASHTAGS = re.compile(r"(?:\s+#\w+)+\Z", re.ASCII)


def read(raw: Path) -> Dataset:
    """Read `raw/Jan9-2012-tweets-clean.txt`.

    Raises:
        UserError: the file is missing, a line has another form or label, or a text is empty.
    """
    path = raw / FILE
    pairs: Pairs = []
    for number, line in enumerate(text_lines(read_filled(path)), start=1):
        where = f"{path}:{number}"
        match = LINE.fullmatch(line)
        if not match:
            raise UserError.at(
                where,
                found=shown(line),
                expected="id:<TAB>text<TAB>:: label",
                fix="restore the file from the original release",
            )
        text = HASHTAGS.sub("", MENTIONS.sub("", match["text"]))
        label = check_label(match["label"].strip(), LABELS, where)
        pairs.append((clean(text, where), label))
    return Dataset(
        name="TEC",
        files=(path,),
        splits=cut_8_1_1(pairs, path),
        labels=LABELS,
        paper=(16841, 2105, 2105),
        title="Emotion",
    )
