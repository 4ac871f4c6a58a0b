"""Relevance adapts to a site by itself, from its own traffic and without labels, and is never worse for it."""

import json
import random
from dataclasses import replace

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from moderation import adaptation, scoring
from moderation.cli import main
from moderation.config import Settings
from moderation.db import Database
from moderation.figures import auc
from moderation.judge import Article, Case, Judge
from moderation.judge.adapted import Adaptation
from moderation.learning.adapt import SiteThread, adapt, enough
from moderation.models import AuditEntry, RelevanceAdaptation, Site
from tests.stories import add_article, add_comment
from worker import tasks
from worker.app import Workshop

# A paper that writes of nothing but the sittings of one council: what its articles share says nothing.
TOPICS = {
    "das Freibad": ("die Rutsche", "das Chlor", "die Liegewiese", "der Bademeister"),
    "die Feuerwehr": ("das Löschfahrzeug", "der Brandschutz", "die Drehleiter", "die Sirene"),
    "die Grundschule": ("der Pausenhof", "die Lehrerin", "der Hort", "das Zeugnis"),
    "den Friedhof": ("die Urne", "das Grab", "die Trauerhalle", "der Grabstein"),
    "die Buslinie": ("der Fahrplan", "die Haltestelle", "der Busfahrer", "das Ticket"),
    "den Wochenmarkt": ("der Gemüsestand", "der Käse", "die Marktfrau", "der Honig"),
    "die Kläranlage": ("das Abwasser", "der Schlamm", "das Rohr", "der Geruch"),
    "das Museum": ("die Ausstellung", "das Gemälde", "der Eintritt", "die Vitrine"),
    "den Wald": ("der Borkenkäfer", "die Fichte", "der Förster", "das Brennholz"),
    "die Bücherei": ("der Roman", "die Ausleihe", "das Regal", "die Lesung"),
    "den Sportplatz": ("der Kunstrasen", "das Flutlicht", "die Umkleide", "das Tor"),
    "die Windräder": ("der Rotor", "der Rotmilan", "der Strom", "der Schattenwurf"),
    "den Weihnachtsmarkt": ("der Glühwein", "die Bude", "das Karussell", "die Bratwurst"),
    "die Klinik": ("die Notaufnahme", "der Chirurg", "das Bett", "die Geburtshilfe"),
    "das Glasfasernetz": ("der Router", "das Kabel", "das Internet", "die Bandbreite"),
    "den Hundepark": ("die Leine", "der Dackel", "die Hundesteuer", "der Kotbeutel"),
}
REMARKS = (
    "Typisch Gemeinderat Hellmünde, für {} ist nie Geld da, aber Hauptsache, die Sitzung geht bis Mitternacht.",
    "Liebe Hellmünder, {} war schon vor der letzten Wahl versprochen, und was ist im Rat passiert? Nichts.",
    "Der Bürgermeister sollte sich {} einmal selbst ansehen, bevor der Rat wieder abstimmt.",
    "In der Sitzung am Dienstag hat keiner gesagt, was {} am Ende wirklich kostet.",
    "Bei uns in Hellmünde klappt das seit Jahren nicht, {} ist nur das neueste Beispiel.",
    "Ich war im Publikum, und über {} wurde im Rat keine fünf Minuten geredet.",
    "Gut, dass der Gemeinderat endlich entschieden hat, {} hat uns lange genug beschäftigt.",
    "Wer im Rat von Hellmünde gegen {} stimmt, soll beim nächsten Mal nicht mehr antreten.",
    "Danke an die Verwaltung für die klare Vorlage, {} verdient eine ehrliche Debatte.",
)


def threads(*, shuffled: bool = False) -> list[SiteThread]:
    """Return a site's articles and comments; ``shuffled``: each comment stands under any of them."""
    chooser = random.Random(7)
    said = [[remark.format(chooser.choice(words)) for remark in REMARKS] for words in TOPICS.values()]
    if shuffled:
        pot = [text for texts in said for text in texts]
        chooser.shuffle(pot)
        said = [pot[i * len(REMARKS) : (i + 1) * len(REMARKS)] for i in range(len(said))]
    return [
        SiteThread(
            Article(title=f"Gemeinderat Hellmünde berät am Dienstagabend über {topic}", language="de"), tuple(texts)
        )
        for topic, texts in zip(TOPICS, said, strict=True)
    ]


@pytest.fixture(autouse=True)
def house(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands find the test's database."""
    monkeypatch.setenv("MODERATION_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("MODERATION_HOME", str(settings.home))


def fill(database: Database, site: Site, found: list[SiteThread]) -> None:
    with database.session() as session:
        for number, thread in enumerate(found):
            article = add_article(session, site, external_id=f"a{number}", title=thread.article.title, lead="", body="")
            for text in thread.comments:
                add_comment(session, site, article=article, text=text, due_at=None)
        session.commit()


def test_a_site_whose_articles_are_all_alike_gains(judge: Judge) -> None:
    found = threads()
    taught = found[:12]
    assert enough(taught) is False, "108 comments are too few"
    assert enough(found) is True
    assert enough([SiteThread(Article(), thread.comments) for thread in found]) is False, "nothing to compare with"
    adapted = adapt(judge, found, "de")
    assert adapted.adaptation is not None, adapted.figures
    assert adapted.figures["auc_adapted"] > adapted.figures["auc_general"] + 0.005


def test_what_was_learned_holds_for_articles_that_taught_nothing(judge: Judge) -> None:
    found = threads()
    adapted = adapt(judge, found[:13], "de")
    content = adapted.adaptation.to_bytes() if adapted.adaptation else None
    titles = [thread.article.title for thread in found]
    cases = [
        Case(text, article=there.article, background=tuple(t for t in titles if t != there.article.title))
        for own in found[13:]
        for text in own.comments
        for there in found[13:]
    ]
    belongs = [own is there for own in found[13:] for _ in own.comments for there in found[13:]]
    general, own = (
        auc(belongs, [a.relevance or 0.5 for a in judge.assess([replace(case, adaptation=used) for case in cases])])
        for used in (None, content)
    )
    assert own >= general - 0.01


def test_where_nothing_can_be_learned_the_general_model_stays(judge: Judge) -> None:
    assert adapt(judge, threads(shuffled=True), "de").adaptation is None


def test_a_night_adapts_scoring_uses_it_and_people_can_see_it(
    database: Database, site: Site, workshop: Workshop, judge: Judge
) -> None:
    fill(database, site, threads())
    workshop.__dict__["judge"] = judge
    tasks.adapt()
    with database.session() as session:
        comment_id = add_comment(session, site, text="Der Bademeister hat die Rutsche wieder gesperrt.").id
        session.commit()
    with database.session(read_only=True) as session:
        (row,) = session.scalars(select(RelevanceAdaptation))
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()[-1]
        (job,) = scoring.jobs(session, [comment_id])
    assert (row.version, row.comments, row.articles, row.engine) == (1, 144, 16, judge.engine)
    assert (entry.deed, entry.subject, entry.detail["version"]) == ("relevance_adapted", f"site {site.slug}", 1)
    assert not any(word in json.dumps(entry.detail) for word in ("Gemeinderat", "Rutsche"))
    assert row.content is not None
    assert job.case.adaptation == row.content
    (own,), (general,) = judge.assess([job.case]), judge.assess([replace(job.case, adaptation=None)])
    assert own.relevance != pytest.approx(general.relevance, abs=1e-5)
    shown = CliRunner().invoke(main, ["relevance", "show", site.slug])
    assert "adapted" in shown.output
    tasks.adapt()
    with database.session(read_only=True) as session:
        assert len(adaptation.history(session, site.id)) == 1, "a night without new comments only repeats the last"


def test_a_site_that_it_would_not_help_keeps_the_general_model(
    database: Database, site: Site, workshop: Workshop, judge: Judge
) -> None:
    fill(database, site, threads(shuffled=True))
    workshop.__dict__["judge"] = judge
    tasks.adapt()
    with database.session(read_only=True) as session:
        assert [row.content for row in adaptation.history(session, site.id)] == [None]
        assert session.scalars(select(AuditEntry.deed).order_by(AuditEntry.id)).all()[-1] == "relevance_not_adapted"
        assert adaptation.current(session, site.id) is None


def test_too_few_comments_are_no_reason_to_fail(
    database: Database, site: Site, workshop: Workshop, judge: Judge
) -> None:
    fill(database, site, threads()[:2])
    workshop.__dict__["judge"] = judge
    tasks.adapt()
    refused = CliRunner().invoke(main, ["relevance", "adapt", site.slug])
    assert refused.exit_code == 1
    assert "12 articles" in refused.output
    assert "Nothing yet" in CliRunner().invoke(main, ["relevance", "show", site.slug]).output


@pytest.mark.parametrize("fault", ["damaged", "a wrong bit", "other version", "other shape"])
def test_an_adaptation_that_does_not_fit_is_passed_over(judge: Judge, fault: str) -> None:
    centre = judge.relevance.centre("de")
    weights = judge.relevance.weights("title")
    version = judge.relevance.version
    whole = Adaptation(version, centre.comment, centre.article, {"title": weights}).to_bytes()
    directory = whole.rindex(b"PK\x01\x02")
    content = {
        "a wrong bit": whole[: directory + 8] + b"\x01" + whole[directory + 9 :],
        "damaged": b"PK\x03\x04 and then nothing",
        "other version": Adaptation("1", centre.comment * 2, centre.article, {"title": weights}).to_bytes(),
        "other shape": Adaptation(version, centre.comment, centre.article, {"title": weights[:9]}).to_bytes(),
    }[fault]
    case = Case("Der Bademeister hat die Rutsche gesperrt.", article=threads()[0].article)
    (own,), (general,) = judge.assess([replace(case, adaptation=content)]), judge.assess([case])
    assert own == general
