import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.judge import Article, Case, Kind, Parent, Target

ANY_TEXT = st.text(st.characters(codec=None), max_size=300)
HOSTILE = {
    "one letter, a million times": "a" * 1_000_000,
    "only marks": "!" * 1_000_000,
    "dots": "." * 500_000 + " " * 500_000,
    "emoji": "🤡" * 100_000,
    "combining marks": "e" + "\u0301" * 10_000,
    "lone surrogates": "\ud800\udfff" * 1000,
    "NUL": "\x00" * 1000,
    "right to left": "مرحبا بالعالم \u202e abc " * 1000,
    "quotation marks": "„Idiot“ " * 20_000,
    "stars": "f" + "*" * 100_000 + "k",
    "capitals": "AB " * 100_000,
    "line breaks": "\n" * 200_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_text_is_too_strange(judge, text):
    (assessment,) = judge.assess([Case(text, article=Article(title=text[:5000], body=text), thread=(text,))])
    check(text, assessment)


def check(text, assessment):
    if assessment.disrespect is None:
        assert assessment.kinds == {}
        assert assessment.target is None
        assert assessment.spans == assessment.sentences == ()
        assert assessment.put_down_share is None
    else:
        assert 0 < assessment.disrespect < 1
        assert set(assessment.kinds) == set(Kind)
        assert all(0 < score < 1 for score in assessment.kinds.values())
        assert assessment.target in set(Target)
        assert 0 <= assessment.put_down_share <= 1
    assert (assessment.relevance is None) == (assessment.relevance_reason is not None)
    assert assessment.relevance is None or 0 < assessment.relevance < 1
    end = 0
    for sentence in assessment.sentences:
        assert end <= sentence.start < sentence.end <= len(text)
        assert 0 < sentence.disrespect < 1
        end = sentence.end
    end = 0
    for span in assessment.spans:
        assert end <= span.start < span.end <= len(text)
        assert 0 < span.score < 1
        end = span.end


@settings(max_examples=60, deadline=None)
@given(ANY_TEXT, ANY_TEXT, st.none() | ANY_TEXT, st.lists(ANY_TEXT, max_size=3), st.sampled_from([None, "de", "x-y"]))
def test_whatever_is_written_scores_and_offsets_are_sound(judge, text, title, parent, others, language):
    case = Case(
        text,
        language=language,
        article=Article(title=title, authors=(title,)),
        parent=None if parent is None else Parent(parent, title),
        thread=tuple(others),
        background=tuple(others),
    )
    (assessment,) = judge.assess([case])
    check(text, assessment)


def test_the_order_of_a_batch_is_kept_and_company_changes_nothing(judge):
    texts = [
        "Du Trottel, lern lesen.",
        "",
        "Ein guter Bericht über die neue Brücke.",
        "Genau!",
        "Du Trottel, lern lesen.",
    ]
    cases = [Case(text, article=Article(title="Die neue Brücke")) for text in texts]
    together = judge.assess(cases)
    alone = [judge.assess([case])[0] for case in cases]
    assert [a.disrespect for a in together] == pytest.approx([a.disrespect for a in alone], abs=1e-3)
    assert [a.relevance for a in together] == pytest.approx([a.relevance for a in alone], abs=1e-3)


def test_no_cases_no_assessments(judge):
    assert judge.assess([]) == []


def test_every_assessment_names_its_engine(judge):
    assert judge.engine.startswith("embedded ")
    assert {a.engine for a in judge.assess([Case("Hallo zusammen"), Case("")])} == {judge.engine}


def test_an_insult_is_found_behind_what_the_models_read(judge):
    text = "Das ist ein ganz normaler Satz. " * 400 + "Du Vollidiot!"
    (assessment,) = judge.assess([Case(text)])
    assert text[assessment.spans[-1].start : assessment.spans[-1].end] == "Vollidiot"


def test_work_grows_in_proportion_to_the_text(judge):
    """Counts calls of Python functions, not seconds: twice the text must not mean more than about twice the calls."""

    def calls(size):
        counted = 0

        def count(frame, event, arg):
            nonlocal counted
            counted += 1

        text = "Du Trottel sagst „nein“ und ich sage z. B. JA DOCH WIRKLICH!!! " * size
        sys.setprofile(count)
        try:
            judge.assess([Case(text)])
        finally:
            sys.setprofile(None)
        return counted

    calls(10)
    assert calls(2000) < 2.5 * calls(1000)


def test_importing_the_judge_loads_no_weights():
    code = "import sys, moderation.judge; print('numpy' in sys.modules or 'sentencepiece' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_advertising_belongs_under_no_article_whatever_words_it_shares(judge):
    article = Article(title="Die alte Hafenbrücke wird gesperrt", lead="Ein Jahr lang müssen Autos außen herum fahren.")
    texts = (
        "Brücke gesperrt, Konto leer? Günstige Kredite ohne Schufa: https://kredit-blitz.example, WhatsApp 0151 23456",
        "Brücke gesperrt, Nerven am Ende? Wir fahren seit heute früh alle mit dem Rad, das geht besser als gedacht.",
    )
    advertising, comment = judge.assess([Case(text, article=article) for text in texts])
    assert advertising.spam > 0.5 > comment.spam
    assert advertising.relevance < 0.5 < comment.relevance
