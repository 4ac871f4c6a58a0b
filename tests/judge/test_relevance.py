import numpy as np
import pytest

from moderation.judge import Article, Case, NoRelevance, Parent, shelf
from moderation.judge.case import MOST_ANSWERED
from moderation.judge.likeness import comment_pieces
from moderation.judge.network import DIMENSION
from moderation.judge.relevance import MOST_PASSAGES, cut

BRIDGE = Article(
    title="Neue Brücke über die Hase wird teurer",
    lead="Der Stadtrat gibt noch einmal vier Millionen Euro frei.",
    body=(
        "Die Brücke über die Hase kostet statt elf nun fünfzehn Millionen Euro. Schuld sind die Stahlpreise.\n\n"
        "Radfahrer müssen noch zwei Jahre lang den Umweg über das Wehr nehmen. Die Fähre fährt nur im Sommer.\n\n"
        "Die Opposition verlangt, dass ein Gutachter die Rechnungen der Baufirma prüft."
    ),
    language="de",
)
THREAD = (
    "Fünfzehn Millionen für eine Brücke, auf der dann doch nur Autos fahren.",
    "Den Umweg über das Wehr fahre ich seit einem Jahr jeden Morgen mit dem Rad.",
    "Wer hat eigentlich den Vertrag mit der Baufirma geprüft?",
    "Ohne die Brücke kommt der Bus nie in den Norden der Stadt.",
)
ON_TOPIC = "Die Stahlpreise sind doch längst wieder gefallen, warum kostet die Brücke dann vier Millionen mehr?"
OFF_TOPIC = "Mein Rezept für Apfelkuchen: drei Eier, Zucker, Butter, und alles bei 180 Grad in den Ofen schieben."


def relevance(judge, text, **case):
    (assessment,) = judge.assess([Case(text, article=BRIDGE, **case)])
    return assessment.relevance


@pytest.mark.parametrize("thread", [(), THREAD])
def test_a_comment_on_the_matter_is_more_relevant_than_a_cake(judge, thread):
    assert relevance(judge, ON_TOPIC, thread=thread) > 0.8
    assert relevance(judge, OFF_TOPIC, thread=thread) < 0.6


def test_the_title_alone_is_enough_to_compare(judge):
    bare = Article(title=BRIDGE.title, language="de")
    on, off = judge.assess([Case(ON_TOPIC, article=bare), Case(OFF_TOPIC, article=bare)])
    assert on.relevance > off.relevance


def test_a_reply_to_somebody_on_topic_is_on_topic(judge):
    reply = "Da haben Sie vollkommen recht, danke für den Hinweis."
    parents = Parent(ON_TOPIC), Parent(OFF_TOPIC)
    on, off = (relevance(judge, reply, parent=parent, thread=THREAD) for parent in parents)
    assert on > off


def test_where_a_quarrel_began_counts_for_its_answers(judge):
    """What is answered may be too short to tell; what that answers may not be."""
    beginnings = [Parent("Sehe ich genauso.", parent=Parent(text)) for text in (ON_TOPIC, OFF_TOPIC)]
    on, off = (relevance(judge, "Da bin ich ganz bei Ihnen.", parent=one, thread=THREAD) for one in beginnings)
    assert on > off


def test_no_more_of_what_is_answered_is_looked_at_than_is_said(judge):
    parent = Parent(OFF_TOPIC)
    for _ in range(MOST_ANSWERED):
        parent = Parent("Sehe ich genauso.", parent=parent)
    without = Parent("Sehe ich genauso.")
    for _ in range(MOST_ANSWERED - 1):
        without = Parent("Sehe ich genauso.", parent=without)
    assert relevance(judge, ON_TOPIC, parent=parent) == relevance(judge, ON_TOPIC, parent=without)


@pytest.mark.parametrize("text", ["Genau!", "+1", "Gut so.", "Na und?"])
def test_a_short_reply_gets_no_number(judge, text):
    (assessment,) = judge.assess([Case(text, article=BRIDGE)])
    assert (assessment.relevance, assessment.relevance_reason) == (None, NoRelevance.TOO_SHORT)


@pytest.mark.parametrize("article", [None, Article(), Article(title=" ", body="\n")])
def test_without_an_article_there_is_nothing_to_compare(judge, article):
    (assessment,) = judge.assess([Case(ON_TOPIC, article=article, thread=THREAD)])
    assert (assessment.relevance, assessment.relevance_reason) == (None, NoRelevance.NO_ARTICLE)
    assert assessment.passage is None


@pytest.mark.parametrize("text", ["", "   \n", "😀😀😀", "!!!", "\ud800"])
def test_without_text_there_is_no_relevance(judge, text):
    (assessment,) = judge.assess([Case(text, article=BRIDGE)])
    assert (assessment.relevance, assessment.relevance_reason) == (None, NoRelevance.NO_TEXT)


def test_a_language_the_encoder_does_not_know_gets_no_number(judge):
    (assessment,) = judge.assess([Case("Det är en mycket bra idé att bygga en ny bro över floden.", article=BRIDGE)])
    assert (assessment.language, assessment.relevance_reason) == ("sv", NoRelevance.LANGUAGE)


def test_an_english_comment_is_held_against_a_german_article(judge):
    on = relevance(judge, "The bridge over the river is getting far too expensive, the city should check the bills.")
    off = relevance(judge, "My recipe for apple pie: three eggs, sugar, butter, and into the oven it goes.")
    assert on > off


def test_the_closest_passage_is_shown(judge):
    (assessment,) = judge.assess([Case("Als Radfahrer fahre ich zwei Jahre lang Umweg über das Wehr.", article=BRIDGE)])
    assert "Umweg über das Wehr" in assessment.passage.text
    assert -1 <= assessment.passage.similarity <= 1


def test_a_comment_that_belongs_under_another_article_names_that_one(judge):
    others = tuple(f"{what} in der Stadt" for what in ("Handball", "Theater", "Wahl", "Markt", "Kita", "Zug", "Bad"))
    titles = ("Apfelkuchen: das beste Rezept mit Zucker, Eiern und Butter", *others)
    off, on = judge.assess([Case(text, article=BRIDGE, background=titles) for text in (OFF_TOPIC, ON_TOPIC)])
    assert off.other_article.title == titles[0]
    assert on.other_article is None
    (unasked,) = judge.assess([Case(OFF_TOPIC, article=BRIDGE)])
    assert unasked.other_article is None


def test_among_titles_that_are_all_alike_none_is_named(judge):
    titles = tuple(
        f"Apfelkuchen backen, Teil {n}" for n in ("eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht")
    )
    (off,) = judge.assess([Case(OFF_TOPIC, article=BRIDGE, background=titles)])
    assert off.other_article is None


def test_a_comment_closer_to_the_thread_than_its_siblings_are_is_no_less_relevant_for_a_bare_title(judge):
    bare = Article(title="Stadtrat tagt", language="de")
    on, off = judge.assess([Case(text, article=bare, thread=THREAD) for text in (ON_TOPIC, OFF_TOPIC)])
    assert on.relevance > off.relevance + 0.1


def test_only_so_much_is_kept_of_what_comments_are_held_against(judge, monkeypatch):
    monkeypatch.setattr(shelf, "ARTICLE_VECTORS", 3)
    monkeypatch.setattr(shelf, "SIBLINGS", 2)
    kept, centre = shelf.Shelf(_ones), judge.relevance.centre("de")
    for one in "abc":
        assert kept.articles((one, one), centre).shape == (2, DIMENSION)
    assert [kept.lacks((one, one), centre) for one in "abc"] == [True, True, False]
    assert kept.siblings(["a", "b", "c"], centre).shape == (3, DIMENSION)
    assert kept.unread("abc", centre) == ["a"]


def _ones(texts):
    return np.ones((len(texts), DIMENSION), np.float32)


def test_forgetting_leaves_no_text_behind(judge):
    judge.assess([Case(ON_TOPIC, article=BRIDGE, thread=THREAD)])
    assert comment_pieces.cache_info().currsize
    judge.forget()
    assert not comment_pieces.cache_info().currsize


def test_the_own_title_is_no_background(judge):
    own, none = (relevance(judge, ON_TOPIC, background=b) for b in ((BRIDGE.title,) * 20, ()))
    assert own == pytest.approx(none, abs=1e-4)


def test_passages_keep_to_their_paragraph_and_are_bounded():
    assert cut("Eins. Zwei. Drei. Vier.\n\nFünf.") == ("Eins. Zwei. Drei.", "Vier.", "Fünf.")
    assert len(cut("Ein Satz. " * 100_000)) == MOST_PASSAGES
    assert cut("") == ()


def test_a_site_with_its_own_background_is_judged_against_it(judge):
    titles = tuple(f"Brücke Nummer {n} wird teurer als geplant" for n in range(12))
    assert np.isfinite(relevance(judge, ON_TOPIC, background=titles))
