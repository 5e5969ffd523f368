# ruff: noqa: RUF001, RUF003 - quotation marks that look alike are what this is about
"""Typed text and the way in which a corpus writes it.

People type `I'm sad.`; DailyDialog holds `I'm sad .` (three times in ten `I ’ m sad .`), SST-2
`i 'm sad .`. A model answers best to what it was trained on. `as_people_write` undoes any of these
spellings; `Writing.normalize` undoes them and then writes as one corpus mostly does.

Only spaces, quotation marks, apostrophes and (for a lower-case corpus) case change: no letter or digit
is lost, added or moved. The contractions are English; `docs/writing.md` has examples and limits.

Why regular expressions and not sacremoses' detokenizer: it leaves `I ’ m` and `ca n't` as they are,
makes `happy:)` of `happy :)`, `p. m.` of `p . m .`, and joins the words of Korean.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import islice

from emo_mtl.errors import UserError

Replacement = str | Callable[[re.Match[str]], str]
Rules = tuple[tuple[re.Pattern[str], Replacement], ...]


def _rules(*rules: tuple[str, Replacement]) -> Rules:
    return tuple((re.compile(pattern, re.IGNORECASE), new) for pattern, new in rules)


def _apply(rules: Rules, text: str) -> str:
    for pattern, new in rules:
        text = pattern.sub(new, text)
    return text


# What follows the apostrophe of an English contraction.
ENDING = r"(?:s|m|d|re|ve|ll|t)(?![\w-])"
# Marks that end a word or a sentence. A colon or semicolon before a bracket is a face: `:)` `:'(`.
MARKS = r"(?:[.,!?…]|[:;](?!['-]?[()\[\]]))+"
# What may stand right after them; `3.50`, `a.m.` and `www.example.org` have something else there.
AFTER = r"(?=\s|$|[)\]]|[\"'](?!\w))"
# Inside single quotes: an apostrophe within a word does not close them.
SINGLE = r"(?:[^'`]|(?<=\w)'(?=\w))*?"
BEFORE_QUOTE = r"(?<![^\s(\[])"
ACRONYM = r"(?<![\w.])(?:[^\W\d_]\.){2,}(?!\w)"  # p.m. U.S.A.
ABBREVIATION = r"(?:Mr|Mrs|Ms|Dr|Prof|Jr|Sr|St|vs|Rev|Gen|Sen|Gov|Capt|Lt|Col|Sgt)"
# Initials (`Malcolm D. Lee`): a letter and a full stop, but not "I."; before a word, not at the end.
INITIAL = r"(?:[^\W\d_i]\.(?= \w))"
ELISION = r"(?:em|n|til|tis|twas|cause|bout|\d0s)(?!\w)"

# Low quotes („Hallo“, ‚Hallo‘): there the high ones close, and are no English quotation.
_LOW_QUOTES = re.compile("[„‚]")
_CURLY = _rules(("‘", "'"), ("“([^“”]*)”", r'"\1"'))
_PLAIN = _rules(
    # a tab or a no-break space is a space; the wide one of Japanese is its own
    (r"[^\S\u3000]+", " "),
    (r"^\s|\s$", ""),
    ("[’′´]", "'"),
    (r"(?<=\w)`(?=\w)", "'"),  # can`t
    (r"``((?:(?!``|'').)*)''", r'"\1"'),
    (rf"`({SINGLE})'(?!\w)", r"'\1'"),
    # from here on: spaces that people do not write
    # `p . m .`; not `z. B.`, which is how German writes
    (r"(?<!\S)(?:[^\W\d_] \. )+[^\W\d_] \.(?!\w)", lambda match: match[0].replace(" ", "")),
    # `I ' m`, `I 'm`, `can ' t`; not `the letter 't' here`
    (rf"(?<=\w) ' (?={ENDING})", "'"),
    (rf"(?<=\w) '(?={ENDING}(?!'))", "'"),
    (r"(?<=\w) (?=n't(?!\w))", ""),  # ca n't
    (r"(?<=\w')Ve(?!\w)", lambda match: match[0] if match[0].isupper() else "ve"),  # DailyDialog
    (r"(?<!\S)(o|ma|y|c) ' (?=\w)", r"\1'"),  # o ' clock, ma ' am, y ' all, c ' mon
    (rf"(?<!\S)' (?={ELISION})", "'"),
    (r"(?<!\w)(gon|wan) (?=na(?!\w))", r"\1"),
    (r"(?<!\w)(got) (?=ta(?!\w))", r"\1"),
    (rf"{BEFORE_QUOTE}\" ([^\"]*[^\s\"]) \"(?!\w)", r'"\1"'),
    # `he says ' hello '`; two plurals are none: `the boys ' and the girls ' room`
    (
        rf"{BEFORE_QUOTE}(?:(?<!s )' ({SINGLE}[^\s'])|' ({SINGLE}[^\s's])) '(?!\w)",
        lambda match: f"'{match[1] or match[2]}'",
    ),
    (rf"(?<=s) '{AFTER}", "'"),  # boys ' room
    (r"(?<!\S)([(\[]) ([^()\[\]]*[^\s()\[\]]) ([)\]])(?!\w)", r"\1\2\3"),
    # not `Wait . ... Now`, a full stop and an ellipsis
    (rf"(?<=\S) (?!(?<=\. )\.\.)(?={MARKS}{AFTER})", ""),
    (r"(?<=[$£€¥]) (?=\d)", ""),
    (r"(?<=\d) (?=%(?!\w))", ""),
)


def as_people_write(text: str) -> str:
    """Text in the spelling of any corpus -> ordinary writing: `I ’ m so happy .` -> `I'm so happy.`.

    White space is made single; ordinary writing otherwise stays, apart from curly quotes, which become
    straight. Nothing more happens when it is done again.
    """
    curly = () if _LOW_QUOTES.search(text) else _CURLY
    # again, since one change may bring together what another rule is about
    while (plain := _apply(_PLAIN, _apply(curly, text))) != text:
        text = plain
    return text


# What may stand apart from its word: how `Writing.of` finds it apart, and joined.
_APART = {
    **{
        mark: (rf" {re.escape(mark)}(?=\s)", rf"{re.escape(mark)}(?<=[^\s.,!?;:…].)(?=\s)")
        for mark in ".,!?;:"
    },
    "…": (r" (?:\.\.+|…)(?=\s)", r"(?:(?<=\w)\.\.+|(?<=\w)…)(?=\s)"),
    '"': (r'(?<!\S)(?:"|“|``) (?=\S)', r'(?<!\S)(?:"|“|``)(?=\w)'),
    "'": (r" ['’](?<=s ['’])(?=\s)", r"['’](?<=s['’])(?=\s)"),
    "(": (r"(?<!\S)[(\[] (?=\S)", r"(?<!\S)[(\[](?=\w)"),
    "$": (r"[$£€¥] (?=\d)", r"[$£€¥](?=\d)"),
    "%": (r" %(?<=\d %)", r"%(?<=\d%)"),
}
_APOSTROPHE = {mark: rf"(?<=\w) ?{mark} ?(?=\w)" for mark in "'’"}
_CONTRACTIONS = {
    "joined": rf"(?<! n)(?<=\w)['’]{ENDING}",
    "split": rf"(?<=\w) ['’] {ENDING}",
    "treebank": rf"(?<=\w) (?:n['’]t(?!\w)|['’]{ENDING})",
}
_CLOSING = {'"': '"', "“": "”", "``": "''"}
_ABBREVIATIONS = {"joined": rf"(?<!\w){ABBREVIATION}\.", "split": rf"(?<!\w){ABBREVIATION} \."}
_SAMPLE = 20_000  # texts that `Writing.of` looks at
_AGAIN = "prepare the data again"


def _count(pattern: str, text: str) -> int:
    return sum(1 for _ in re.finditer(pattern, text, re.IGNORECASE))


def _commonest(patterns: dict[str, str], text: str) -> str:
    """The key whose pattern is found most often; the first where there is nothing to see."""
    return max(patterns, key=lambda key: _count(patterns[key], text))


@dataclass(frozen=True)
class Writing:
    """How a corpus writes; the default is how people do.

    Attributes:
        apart: the marks that stand apart from their word, of `.,!?;:`, `…` (also `...`), `"`, `'` (of a
            plural, `the boys ' room`, and single quotes), `(` (all brackets), `$` (any currency), `%`
        apostrophe: `'` or `’`
        contractions: `joined` (I'm, can't), `split` (I ' m, can ' t) or `treebank` (I 'm, ca n't)
        quotes: the opening mark, `"`, `“` or two backticks (closed by two apostrophes)
        abbreviations: `joined` (Mr., p.m.) or `split` (Mr ., p . m .) where `.` stands apart
        lowercase: there are no capital letters
    """

    apart: str = ""
    apostrophe: str = "'"
    contractions: str = "joined"
    quotes: str = '"'
    abbreviations: str = "joined"
    lowercase: bool = False

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Writing":
        """What most of the training texts do, judged by the first 20,000.

        A mark that never occurs goes with the majority of the others; without any texts it is the
        default.
        """
        sample = list(islice(texts, _SAMPLE))
        text = "\n".join([*sample, ""])
        seen = {
            mark: _count(apart, text) - _count(joined, text)
            for mark, (apart, joined) in _APART.items()
        }
        others = sum(seen.values())
        # of texts with letters that have two cases: hardly any has a capital one
        cased = [line for line in sample if line.lower() != line.upper()]
        capital = sum(line != line.lower() for line in cased)
        return cls(
            apart="".join(mark for mark, count in seen.items() if (count or others) > 0),
            apostrophe=_commonest(_APOSTROPHE, text),
            contractions=_commonest(_CONTRACTIONS, text),
            quotes=_commonest({mark: mark for mark in _CLOSING}, text),
            abbreviations=_commonest(_ABBREVIATIONS, text),
            lowercase=100 * capital < len(cased),
        )

    @classmethod
    def from_json(cls, content: object, where: object) -> "Writing":
        """The writing that `dataclasses.asdict` gave; `where` names its file in a message.

        Raises:
            UserError: another type, another field or another value
        """
        allowed = {
            "apostrophe": tuple(_APOSTROPHE),
            "contractions": tuple(_CONTRACTIONS),
            "quotes": tuple(_CLOSING),
            "abbreviations": tuple(_ABBREVIATIONS),
            "lowercase": (False, True),
        }
        names = [field.name for field in fields(cls)]
        if not isinstance(content, dict) or set(content) != set(names):
            found = ", ".join(content) if isinstance(content, dict) else repr(content)
            raise UserError(
                f"{where}: writing: found {found or 'nothing'}, expected {', '.join(names)}: {_AGAIN}"
            )
        apart = content["apart"]
        if not isinstance(apart, str) or not set(apart) <= set(_APART):
            raise UserError(
                f"{where}: writing: found apart {apart!r}, expected some of "
                f"{''.join(_APART)}: {_AGAIN}"
            )
        for name, values in allowed.items():
            value = content[name]
            if type(value) is not type(values[0]) or value not in values:
                raise UserError(
                    f"{where}: writing: found {name} {value!r}, expected one of "
                    f"{', '.join(map(repr, values))}: {_AGAIN}"
                )
        return cls(**content)

    def normalize(self, text: str) -> str:
        """Text in any spelling -> as the corpus writes: `I'm sad.` -> `I 'm sad .`.

        The result depends on `as_people_write(text)` alone, and stays the same when it is done again.
        """
        plain = as_people_write(text.lower() if self.lowercase else text)
        rules = _split(self)
        written = _apply(rules, plain)
        if as_people_write(written) == plain:
            return written
        # a change that cannot be undone would make two forms of one text: it is left out
        written = plain
        for rule in rules:
            if as_people_write(changed := _apply((rule,), written)) == plain:
                written = changed
        return written


@lru_cache
def _split(writing: Writing) -> Rules:
    """Ordinary writing -> as a corpus writes: the way back of `_PLAIN`."""
    rules: list[tuple[str, Replacement]] = []
    if "(" in writing.apart:
        # without a face at the end: `(so happy :)`
        inner = r"[^\s()\[\]](?:[^()\[\]]*[^\s()\[\]:;=-])?"
        rules.append((rf"(?<!\S)([(\[])({inner})([)\]])(?!\w)", r"\1 \2 \3"))
    space = " " if '"' in writing.apart else ""
    rules.append(
        (
            rf'{BEFORE_QUOTE}"([^\s"](?:[^"]*[^\s"])?)"(?!\w)',
            rf"{writing.quotes}{space}\1{space}{_CLOSING[writing.quotes]}",
        )
    )
    space = " " if "'" in writing.apart else ""
    opening = "`" if writing.quotes == "``" else "'"
    rules.append(
        (
            rf"{BEFORE_QUOTE}'(?!{ELISION})([^\s'`](?:{SINGLE}[^\s'`])?)'(?!\w)",
            rf"{opening}{space}\1{space}'",
        )
    )
    if "'" in writing.apart:
        rules.append((rf"(?<=s)'{AFTER}", " '"))
    if writing.contractions == "treebank":
        rules += [
            (r"(?<=\w)n't(?!\w)", " n't"),
            (rf"(?<=\w)'(?={ENDING})(?!t)", " '"),
            (r"(?<!\w)(gon|wan)(?=na(?!\w))", r"\1 "),
            (r"(?<!\w)(got)(?=ta(?!\w))", r"\1 "),
        ]
    elif writing.contractions == "split":
        rules.append((rf"(?<=\w)'(?={ENDING})", " ' "))
    # marks at the head of a word, and `z. B.` (see `_PLAIN`), stay; so do abbreviations, if joined
    kept = r"(?<!\S)[.,!?;:…]+|(?<!\w)[^\W\d_]\.(?= [^\W\d_]\.)"
    if writing.abbreviations == "joined" or "." not in writing.apart:
        kept += rf"|(?<!\w)(?:{ABBREVIATION}\.|{INITIAL})|{ACRONYM}"

    def marks(match: re.Match[str]) -> str:
        if match["kept"]:
            return match[0]
        if match["acronym"]:
            return " ".join(match[0])
        return "".join(
            f" {mark}" if ("…" if mark[1:] else mark) in writing.apart else mark
            for mark in re.findall(r"\.\.+|.", match[0])
        )

    if set(".,!?;:…") & set(writing.apart):
        rules.append((rf"(?P<kept>{kept})|(?P<acronym>{ACRONYM})|{MARKS}{AFTER}", marks))
    if "$" in writing.apart:
        rules.append((r"(?<=[$£€¥])(?=\d)", " "))
    if "%" in writing.apart:
        rules.append((r"(?<=\d)(?=%(?!\w))", " "))
    if writing.apostrophe == "’":
        rules.append((rf"{BEFORE_QUOTE}'(?!{ELISION})(?=({SINGLE}[^\s'`]) ?'(?!\w))", "‘"))
        rules.append(("'(?!')", "’"))
    return _rules(*rules)
