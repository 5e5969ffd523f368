# ruff: noqa: RUF001 - quotation marks that look alike are what this is about
"""Typed text <-> the form of a corpus: one normal form for every spelling, nothing destroyed."""

import json
import os
import re
from dataclasses import asdict
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emo_mtl.errors import UserError
from emo_mtl.inference.text import Writing, as_people_write
from emo_mtl.preparation import crowdflower, dailydialog, sst2, tec

MARKS = ".,!?;:…\"'($%"
# what `Writing.of` finds in the training texts: `TestRealCorpora` compares
DAILYDIALOG = Writing(apart=MARKS, abbreviations="split")
SST2 = Writing(apart=MARKS, contractions="treebank", quotes="``", lowercase=True)
TEC = Writing(quotes="“")
CROWDFLOWER = Writing()
# DailyDialog's other half, curly tokenized text, and French spaces
SPLIT = Writing(apart=MARKS, contractions="split", apostrophe="’", quotes="“")
CURLY = Writing(apostrophe="’", quotes="“")
FRENCH = Writing(apart="!?;:%", apostrophe="’")
WRITINGS = [DAILYDIALOG, SST2, TEC, CROWDFLOWER, SPLIT, CURLY, FRENCH]

# as DailyDialog mostly has it, as SST-2 has it, and further spellings of the same
SENTENCES = [
    ("I'm sad .", "i 'm sad .", "I ’ m sad .", "I ' m sad .", "I’m sad."),
    (
        "I can't , Bob's ill !",
        "i ca n't , bob 's ill !",
        "I can ’ t , Bob ’ s ill !",
        "I ca n't , Bob 's ill !",
        "I can’t, Bob’s ill!",
        "I can`t, Bob´s ill !",
    ),
    (
        "They won't ; we've won , haven't we ?",
        "they wo n't ; we 've won , have n't we ?",
        "They won ’ t ; we ’ Ve won , haven ’ t we ?",
        "They won't; we've won, haven't we?",
    ),
    (
        'She said : " I\'ll come . "',
        "she said : `` i 'll come . ''",
        "She said : “ I ’ ll come . ”",
        "She said: “I’ll come.”",
        'She said: "I\'ll come."',
    ),
    (
        "Is ' Titanic ' on at 3:30 p . m . ?",
        "is ` titanic ' on at 3:30 p.m. ?",
        "Is ‘ Titanic ’ on at 3:30 p . m . ?",
        "Is ‘Titanic’ on at 3:30 p.m.?",
        "Is 'Titanic' on at 3:30 p.m.?",
    ),
    (
        "Mr . Smith paid $ 10,000.50 ( 50 % ) ...",
        "mr. smith paid $ 10,000.50 ( 50 % ) ...",
        "Mr. Smith paid $10,000.50 (50%)...",
        "Mr . Smith paid $10,000.50 (50%) ...",
    ),
    (
        "The boys ' room , at two o'clock ?",
        "the boys ' room , at two o'clock ?",
        "The boys ’ room , at two o ’ clock ?",
        "The boys’ room, at two o’clock?",
        "The boys' room, at two o'clock?",
    ),
    (
        "You shouldn't've told 'em , ma'am !",
        "you should n't 've told 'em , ma'am !",
        "You shouldn ’ t ’ ve told ’ em , ma ’ am !",
        "You shouldn’t’ve told ‘em, ma’am!",
    ),
    (
        "What ? ! He's gonna leave ? !",
        "what ? ! he 's gon na leave ? !",
        "What ?! He ’ s gonna leave ?!",
        "What?! He's gonna leave?!",
    ),
    (
        "It's over ... I'd say so , well-known or not .",
        "it 's over ... i 'd say so , well-known or not .",
        "It ’ s over... I ’ d say so, well-known or not.",
        "It's over... I'd say so, well-known or not.",
    ),
]
# each is ordinary writing already
ORDINARY = [
    "",
    "Wait... what?!",
    'He said "no", then "yes!" (twice).',
    "It's $5.50 at 3:30, or £10,000; e.g. 50% off.",
    "Mr. Smith left the U.S. at 4 p.m. today.",
    "See https://example.org/a,b?c=d!e and www.example.org/~x.",
    "@anna's friend likes #books: me@example.org too!",
    "So happy :) :-( ;-) :D :'( <3 ^_^ (really :) )",
    "Rock 'n' roll at two o'clock, y'all; get 'em in the '90s!",
    "The boys' room and the girls' room aren't the letter 't' or 's'.",
    "I said 'hello' and he's said 'bye'.",
    'A 5\'10" man with 5" and 6" pipes, C++ and R&D.',
    "book(s) and f(x), [sic], a/b, x--y -- z",
    "Great 😀👍🏽! ❤️",
    "C'est l'ami d'Anne, n'est-ce pas?",
    "J. K. Rowling wrote it.",
]
# ordinary texts of other languages: nothing is English about them
LANGUAGES = {
    "Japanese": [
        "今日は、とても嬉しいです。",
        "「本当？」と彼は言った…",
        "DVDを見た　そして寝た！",
    ],
    "German": ["„Wie geht’s?“, fragte er. Na ja, z. B. gut!", "Größe: 5,50 €; ‚so‘ ist es."],
    "French": ["C’est l’ami d’Anne ! N’est-ce pas ?", "Voilà : « oui », 50 % ; c’est tout."],
    "Korean": ["오늘 날씨가 정말 좋다.", "정말 슬퍼요, 왜 그래요?"],
    "Greek": ["Είμαι πολύ χαρούμενος σήμερα!"],
}

PIECES = (
    "I can the boys his O'Neal don n t s m ve Ve ll o clock ma p U Mr vs em na gon got 3 10,000 5.50 "
    "' ’ ‘ ` `` '' \" “ ” „ ‚ . .. ... … , ! ? ; : :) ( ) [ ] $ € % - & @x #y http://a.b/c ß İ Σ 日 😀"
)
SPACES = st.sampled_from(["", " ", " ", "\t", "\u00a0 ", "\u3000"])
TEXTS = st.text() | st.lists(st.tuples(st.sampled_from(PIECES.split()), SPACES)).map(
    lambda t: "".join(chain(*t))
)
ANY_WRITING = st.builds(
    Writing,
    apart=st.sets(st.sampled_from(MARKS)).map(lambda marks: "".join(sorted(marks))),
    apostrophe=st.sampled_from("'’"),
    contractions=st.sampled_from(["joined", "split", "treebank"]),
    quotes=st.sampled_from(['"', "“", "``"]),
    abbreviations=st.sampled_from(["joined", "split"]),
    lowercase=st.booleans(),
)


def letters(text: str) -> str:
    """The letters and digits of a text, in order; case does not count."""
    return "".join(filter(str.isalnum, text.casefold()))


class TestAsPeopleWrite:
    @pytest.mark.parametrize(
        ("corpus", "people"),
        [
            ("I ’ m so happy .", "I'm so happy."),
            ("I ’ Ve been there , haven ’ t I ?", "I've been there, haven't I?"),
            ("I'VE WON !", "I'VE WON!"),
            ("it 's `` good '' , is n't it ?", "it's \"good\", isn't it?"),
            ("He says ' hello ' and goes .", "He says 'hello' and goes."),
            ("Wait . ... Yes . . .", "Wait. ... Yes..."),
            (" \t I\u00a0am \n here\u2028 ", "I am here"),
            ("“ Yes , ” said Anna ’ s friend", '"Yes," said Anna\'s friend'),
            ("happy :) .", "happy :)."),
        ],
    )
    def test_undoes_a_corpus(self, corpus, people):
        assert as_people_write(corpus) == people

    @pytest.mark.parametrize("text", ORDINARY)
    def test_ordinary_writing_stays(self, text):
        assert as_people_write(text) == text

    @given(TEXTS)
    def test_once_is_enough_and_no_letter_is_lost(self, text):
        people = as_people_write(text)
        assert as_people_write(people) == people
        assert letters(people) == letters(text)

    @pytest.mark.parametrize("text", ["", " ", "\t\n\u00a0\u3000 \x1f"])
    def test_nothing_stays_nothing(self, text):
        assert as_people_write(text) == ""
        assert all(writing.normalize(text) == "" for writing in WRITINGS)

    @pytest.mark.parametrize(
        "piece", ["` ", "'", "`` ", '" ', "( ", ". ", " ' x", "n 't", "“", "…"]
    )
    def test_long_text_takes_no_longer_than_its_length(self, piece):
        as_people_write(piece * 20_000)  # seconds; hours, were it quadratic


class TestNormalize:
    @pytest.mark.parametrize("forms", SENTENCES, ids=lambda forms: forms[0])
    def test_every_spelling_has_one_form(self, forms):
        dialog, treebank, *_ = forms
        assert {DAILYDIALOG.normalize(form) for form in forms if form != treebank} == {dialog}
        assert {SST2.normalize(form) for form in forms} == {treebank}
        for writing in WRITINGS:
            known = {writing.normalize(form) for form in forms if form != treebank}
            assert len(known) == 1
            # a treebank's text has lost its capitals
            assert writing.normalize(treebank).lower() == known.pop().lower()

    @pytest.mark.parametrize(
        ("writing", "text"),
        [
            (TEC, "She said: “I'll come.”"),
            (CROWDFLOWER, 'She said: "I\'ll come."'),
            (SPLIT, "She said : “ I ’ ll come . ”"),
            (CURLY, "She said: “I’ll come.”"),
            (FRENCH, 'She said : "I’ll come."'),
        ],
    )
    def test_quotes_and_apostrophes_of_the_corpus(self, writing, text):
        assert {writing.normalize(form) for form in SENTENCES[3][2:]} == {text}

    @pytest.mark.parametrize("writing", WRITINGS, ids=str)
    @pytest.mark.parametrize("text", ORDINARY)
    def test_people_get_back_what_they_wrote(self, writing, text):
        wanted = text.lower() if writing.lowercase else text
        assert as_people_write(writing.normalize(text)) == wanted

    @given(TEXTS, ANY_WRITING)
    def test_once_is_enough_and_no_letter_is_lost(self, text, writing):
        normal = writing.normalize(text)
        assert writing.normalize(normal) == normal
        assert writing.normalize(as_people_write(text)) == normal
        assert letters(normal) == letters(text)

    @given(ANY_WRITING, st.lists(st.sampled_from(SENTENCES), min_size=1), st.data())
    def test_one_form_in_every_writing(self, writing, sentences, data):
        typed = " ".join(forms[-1] for forms in sentences)
        other = " ".join(data.draw(st.sampled_from([f[0], *f[2:]])) for f in sentences)
        assert writing.normalize(other) == writing.normalize(typed)

    def test_abbreviations_are_split_only_where_the_full_stop_is(self):
        writing = Writing(apart=",", abbreviations="split")
        assert writing.normalize("Mr. Smith, at 4 p.m.") == "Mr. Smith , at 4 p.m."

    def test_agrees_with_a_treebank_tokenizer(self):
        """NLTK's, but for the backtick of `'Titanic'` and for `shouldn't've`, where it finds one joint."""
        nltk = pytest.importorskip("nltk")
        for *_, typed in SENTENCES[:7] + SENTENCES[8:]:
            tokens = nltk.tokenize.TreebankWordTokenizer().tokenize(as_people_write(typed).lower())
            assert SST2.normalize(typed).replace("` titanic '", "'titanic '") == " ".join(tokens)


class TestOf:
    @pytest.mark.parametrize("writing", [*WRITINGS[:2], *WRITINGS[3:5]], ids=str)
    def test_finds_how_texts_were_written(self, writing):
        texts = [writing.normalize(forms[-1]) for forms in SENTENCES]
        texts.append(writing.normalize('He said: "Dr. Smith" (the "vet").'))
        assert Writing.of(texts) == writing

    def test_majority_decides(self):
        texts = ["I ’ m here .", "I'm here .", "It's me .", "here."]
        assert Writing.of(texts) == Writing(apart=MARKS)

    def test_a_mark_that_never_occurs_goes_with_the_others(self):
        assert ";" in Writing.of(["Yes , I am ."]).apart
        assert ";" not in Writing.of(["Yes, I am."]).apart
        assert Writing.of(["Bonjour !", "Oui, oui.", "Non, non."]).apart == "!"

    @pytest.mark.parametrize("texts", [[], [""], ["日本語"]])
    def test_nothing_to_see_is_ordinary_writing(self, texts):
        assert Writing.of(texts) == Writing()

    def test_a_capital_letter_here_and_there_is_no_case(self):
        lower = ["it is good"] * 200
        assert Writing.of([*lower, "It is"]).lowercase
        assert not Writing.of([*lower, *["It is"] * 20]).lowercase
        assert not Writing.of(["DVDを見た", *["見た"] * 200]).lowercase

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_ordinary_texts_of_other_languages_stay(self, language):
        texts = LANGUAGES[language]
        writing = Writing.of(texts * 3)
        assert [writing.normalize(text) for text in texts] == texts


class TestJson:
    @given(ANY_WRITING)
    def test_comes_back(self, writing):
        assert Writing.from_json(json.loads(json.dumps(asdict(writing))), "m.json") == writing

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (None, "found None"),
            ([], "found []"),
            ({}, "found nothing"),
            ({"apart": ""}, "found apart, expected apart, apostrophe"),
            (asdict(SST2) | {"more": 1}, "more, expected"),
            (asdict(SST2) | {"apart": ["."]}, "apart ['.']"),
            (asdict(SST2) | {"apart": "x"}, "apart 'x'"),
            (asdict(SST2) | {"apostrophe": '"'}, "apostrophe"),
            (asdict(SST2) | {"contractions": "some"}, "contractions 'some'"),
            (asdict(SST2) | {"quotes": None}, "quotes None"),
            (asdict(SST2) | {"abbreviations": []}, "abbreviations []"),
            (asdict(SST2) | {"lowercase": 1}, "lowercase 1"),
        ],
    )
    def test_anything_else_is_refused(self, content, message):
        with pytest.raises(UserError, match=re.escape(message)) as error:
            Writing.from_json(content, "m.json")
        assert "m.json: writing: " in str(error.value)
        assert "expected" in str(error.value)


@pytest.mark.slow
@pytest.mark.skipif("EMO_MTL_DATA" not in os.environ, reason="needs the real corpora")
class TestRealCorpora:
    """Shares of test texts that are in the normal form already, white space apart (see docs/writing.md)."""

    @pytest.mark.parametrize(
        ("reader", "writing", "share"),
        [
            (dailydialog, DAILYDIALOG, 0.88),  # a tenth has `I ’ m`
            (sst2, SST2, 0.99),
            (tec, TEC, 0.93),
            (crowdflower, CROWDFLOWER, 0.95),
        ],
    )
    def test_measured(self, reader, writing, share):
        folder = Path(os.environ["EMO_MTL_DATA"]) / reader.__name__.rpartition(".")[2]
        splits = reader.read(folder).splits
        assert Writing.of(text for text, _ in splits["train"]) == writing
        texts = [" ".join(text.split()) for text, _ in splits["test"][:2000]]
        same = sum(writing.normalize(text) == text for text in texts)
        assert same > share * len(texts)

    def test_dailydialog_without_its_other_apostrophes(self):
        folder = Path(os.environ["EMO_MTL_DATA"]) / "dailydialog"
        texts = [text for text, _ in dailydialog.read(folder).splits["test"][:2000]]
        texts = [text for text in texts if not re.search(r"\w [’'] \w", text)]
        assert sum(DAILYDIALOG.normalize(text) == text for text in texts) > 0.99 * len(texts)
        assert not any(re.search(r" [.,!?]( |$)", as_people_write(text)) for text in texts)
