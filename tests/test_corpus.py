"""The corpus keeps its own rules: every label is possible, every quoted place stands in its text, no two are alike."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from moderation.judge.case import Kind, Target
from tests.alike import alike
from training import agreement

ROOT = Path(__file__).parent.parent
CORPUS = sorted((ROOT / "training/corpus/threads").glob("*.yaml"))
UNSEEN = sorted((ROOT / "training/corpus/unseen").glob("*.yaml"))
DEMO = sorted((ROOT / "moderation/demo/threads").glob("*.yaml"))
RELEVANCE = {"on_topic", "loose", "off_topic", "about_site", "spam"}
SECTIONS = {"politics", "economy", "technology", "sport", "local", "science", "culture", "media"}


def _read(file: Path) -> dict[str, Any]:
    thread: dict[str, Any] = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return thread


@pytest.mark.parametrize("file", [*CORPUS, *UNSEEN, *DEMO], ids=lambda file: file.stem)
def test_a_thread_is_written_as_the_guidelines_say(file: Path) -> None:
    thread = _read(file)
    assert thread["id"] == file.stem
    assert thread["language"] == file.stem[:2]
    assert thread["section"] in SECTIONS
    assert all(thread["article"][part] for part in ("title", "lead", "body", "authors"))
    seen: set[int] = set()
    for comment in thread["comments"]:
        assert comment["id"] not in seen
        assert comment.get("reply_to") is None or comment["reply_to"] in seen
        seen.add(comment["id"])
        _check_labels(comment)


def _check_labels(comment: dict[str, Any]) -> None:
    places = comment.get("disrespect") or []
    assert comment["text"].strip()
    assert comment["by"]
    assert comment["relevance"] in RELEVANCE
    assert comment["target"] in set(Target)
    assert all(place["kind"] in set(Kind) and place["quote"] in comment["text"] for place in places)
    put_down = {place["kind"] for place in places} - {Kind.PROFANITY, Kind.SHOUTING}
    assert not put_down or comment["target"] != "none"
    assert places or comment["target"] == "none"


def test_there_is_as_much_of_it_as_the_data_card_says() -> None:
    threads = [_read(file) for file in CORPUS]
    comments = sum(len(thread["comments"]) for thread in threads)
    card = (ROOT / "training/corpus/README.md").read_text(encoding="utf-8")
    assert f"| threads (one article each) | {len(threads)}:" in card
    assert f"| comments | {comments:,}:" in card


def test_no_two_comments_are_alike() -> None:
    """Thanks and the like, of fewer than five words, belong to everybody."""
    texts, places = [], []
    for file in [*CORPUS, *UNSEEN, *DEMO]:
        for comment in _read(file)["comments"]:
            if len(comment["text"].split()) >= 5:
                texts.append(comment["text"])
                places.append(f"{file.stem} {comment['id']}")
    assert [(places[one], places[other]) for one, other in alike(texts)] == []


def test_every_comment_was_read_twice() -> None:
    first, second = agreement.first_pass(), agreement.second_pass()
    assert first.keys() == second.keys()
    for labels in second.values():
        assert labels["relevance, five classes"] in RELEVANCE
        assert labels["target"] in set(Target)


def test_every_short_case_was_read_twice() -> None:
    first, second = agreement.first_pass_of_cases(), agreement.second_pass_of_cases()
    assert first.keys() == second.keys()
    assert {labels["target"] for labels in second.values()} == set(Target)
