"""Short cases keep the corpus's rules, and nothing that is measured was seen in training."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from moderation.judge.case import Kind, Target
from tests.alike import alike
from training import cases, corpus
from training.corpus import CORPUS, Split, load_threads

RELEVANCE = {"on_topic", "loose", "off_topic", "about_site", "spam"}
FILES = sorted(cases.CASES.glob("*.yaml"))
PAIRS = cases.load_pairs()
THREADS = load_threads(CORPUS / "threads")
DEMO = load_threads(Path(__file__).parent.parent / "moderation/demo/threads")


def test_alike_finds_what_differs_by_a_word_and_nothing_else() -> None:
    texts = ["Der Stadtrat hat wieder nichts begriffen.", "Ganz etwas anderes.", "Der Stadtrat hat nichts begriffen."]
    assert alike(texts) == [(0, 2)]
    assert alike(["+1", "+1 ", "Nein"]) == [(0, 1)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_of_cases_says_what_it_collects(file: Path) -> None:
    data = corpus.read(file)
    assert data["language"] == file.stem[:2]
    assert data["about"].strip()
    assert all(pair["id"].startswith(f"{data['language']}-") for pair in data["pairs"])


def test_the_texts_of_a_pair_are_told_apart_by_possible_labels() -> None:
    assert [(pair.id, wrong) for pair in PAIRS for wrong in _wrong(pair)] == []


def _wrong(pair: cases.Pair) -> Iterator[str]:
    if not 2 <= len({case.text for case in pair.cases}) == len(pair.cases) <= 4:
        yield "two to four different texts"
    if len({(case.relevance, case.kinds, case.target) for case in pair.cases}) == 1:
        yield "all labels are the same"
    for case in pair.cases:
        if not case.text or not all(quote and quote in case.text for _, quote in case.quotes):
            yield f"quote is not in the text: {case.text}"
        if case.target not in set(Target) or (case.target != "none" and not case.quotes):
            yield f"target: {case.text}"
        if case.target == "none" and case.kinds - {Kind.PROFANITY, Kind.SHOUTING}:
            yield f"put-down without target: {case.text}"
        if case.relevance not in (RELEVANCE if pair.article else {None}):
            yield f"relevance: {case.text}"


def test_every_pair_has_an_id_of_its_own() -> None:
    assert [name for name, often in Counter(pair.id for pair in PAIRS).items() if often > 1] == []


def test_every_thread_has_one_split_and_no_split_lacks_a_language_or_much_of_a_section() -> None:
    listed = corpus.read(CORPUS / "split.yaml")
    names = [thread for threads in listed.values() for thread in threads]
    assert sorted(names) == [thread.id for thread in THREADS]
    shares = Counter(corpus.split_of(thread.id) for thread in THREADS)
    assert 0.60 < shares[Split.TRAIN] / len(THREADS) < 0.80
    assert 0.14 < shares[Split.TEST] / len(THREADS) < 0.23
    for split in Split:
        mine = [thread for thread in THREADS if corpus.split_of(thread.id) == split]
        assert {thread.article.language for thread in mine} == {"de", "en"}
        assert len({thread.section for thread in mine}) >= 7


def test_no_two_pairs_are_alike_and_no_text_stands_in_two_splits() -> None:
    """Short replies of fewer than five words belong to everybody; texts of one pair are alike on purpose."""
    texts: list[str] = []
    places: list[tuple[str, str]] = []  # the split, and what may be alike within it
    for thread in THREADS:
        place = (str(corpus.split_of(thread.id)), "a thread")
        article = thread.article
        for text in (article.title, article.lead, *article.body.split("\n\n"), *(c.text for c in thread.comments)):
            texts.append(text)
            places.append(place)
    for thread in DEMO:
        texts += [thread.article.body, *(comment.text for comment in thread.comments)]
        places += [("demo", "a thread")] * (1 + len(thread.comments))
    for pair in PAIRS:
        split = str(cases.split_of(pair))
        texts += [case.text for case in pair.cases]
        places += [(split, pair.id)] * len(pair.cases)
        if pair.reply_to:
            texts.append(pair.reply_to)
            places.append((split, "a thread"))
    long = [row for row, text in enumerate(texts) if len(text.split()) >= 5]
    found = [(long[one], long[other]) for one, other in alike([texts[row] for row in long])]
    leaks = [(places[a], places[b], texts[a], texts[b]) for a, b in found if places[a] != places[b]]
    assert leaks == []
