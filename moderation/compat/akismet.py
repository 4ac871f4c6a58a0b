"""Akismet's calls (`/1.1/…`), for WordPress's own plugin and other clients: is it spam, it is, it is none.

Akismet answers errors with 200, a word and a header; so do we. The key comes as `api_key` or `key`, or as the first
label of the host's name.
"""

import secrets
from datetime import date

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException

from moderation import akismet_questions, article_page, history, preview
from moderation.compat import door
from moderation.contract import ArticleData, CommentData, CommenterData, mended
from moderation.db import insert_into, now
from moderation.errors import ModerationError, NotSignedIn, TooMany
from moderation.judge.text import html_to_text
from moderation.models import AkismetUse, Outcome, Site
from moderation.rules import Advice
from moderation.views import services

blueprint = Blueprint("akismet", __name__)

SPAM_FROM = 0.5
CERTAIN = 1.0
"""What only a program can have done. No model is as sure, so that no client throws a reader's words away unseen."""

RECHECK_AFTER = "86400"
"""Seconds; after twice that long without a verdict the client goes by its own rules."""

FETCH_WITHIN = 2.0
"""Seconds for each step of fetching an article; clients wait for 15."""

THANKS = "Thanks for making the web a better place."
GUARANTEED = {"akismet-guaranteed-spam", "akismet-guaranteed-spam@example.com"}
"""Names that test whether spam is found."""

Form = dict[str, str]


def enter() -> tuple[Site, Form]:
    """Return who asks and the form that was sent (or JSON, as Coral does); NotSignedIn or TooMany."""
    form = request.values.to_dict()
    if request.is_json:
        sent = door.json_body()
        form |= {name: str(value) for name, value in sent.items() if isinstance(value, str | int | float)}
    form = {name: mended(value) for name, value in form.items()}
    return door.enter(_key(form), kind="akismet"), form


def _key(form: Form) -> str:
    return form.get("api_key") or form.get("key") or request.host.partition(".")[0]


def plain(text: str, **headers: str) -> Response:
    """Return a word as Akismet says it."""
    response = Response(text, content_type="text/plain; charset=utf-8")
    for name, value in headers.items():
        response.headers["X-akismet-" + name.replace("_", "-")] = value
    return response


@blueprint.post("/1.1/verify-key")
def verify_key() -> Response:
    """Say whether the key is one of ours."""
    enter()
    return plain("valid")


@blueprint.post("/1.1/comment-check")
def comment_check() -> Response:
    """Say whether a comment is spam."""
    site, form = enter()
    missing = [name for name in ("blog", "user_ip") if not form.get(name)]
    if missing:
        return plain("invalid", debug_help=f"The parameter {missing[0]} is missing.")
    score = _score(form)
    is_spam = score >= SPAM_FROM
    with services().database.session() as session:
        count(session, site, form["blog"], spam=is_spam, ham=not is_spam)
        session.commit()
    if not is_spam:
        asked = _ask_people(site, form)
        return plain("false", guid=asked, recheck_after=RECHECK_AFTER) if asked else plain("false")
    return plain("true", pro_tip="discard") if score >= CERTAIN else plain("true")


def _ask_people(site: Site, form: Form) -> str | None:
    """Put what a house rule doubts before people, if the site wants that and can be told later; return its name."""
    data = _comment(form | {"comment_ID": f"akismet-{secrets.token_hex(12)}"})
    callback = form.get("callback", "")
    wanted = site.akismet_asks and form.get("user_role") != "administrator"
    if data is None or not wanted or not callback.startswith(("http://", "https://")) or len(callback) > 2000:
        return None
    door.find_or_fetch_article(site, data.article.id, data.article.url, within=FETCH_WITHIN, renew=False)
    with services().database.session(read_only=True) as session:
        article = article_page.known(session, site, data.article.id)
        job = preview.job(session, site, text=data.text, article=article)
    if preview.look(services().judge, job)[1].advice is Advice.APPROVE:
        return None
    with services().database.session() as session:
        akismet_questions.ask(session, site, data, callback=callback, key=_key(form), form=form)
        session.commit()
    services().bell.ring("score")
    return data.id


def _score(form: Form) -> float:
    if form.get("user_role") == "administrator":
        return 0.0
    trap = form.get("honeypot_field_name")
    if trap and form.get(trap):
        return CERTAIN
    if {form.get("comment_author"), form.get("comment_author_email")} & GUARANTEED:
        return SPAM_FROM
    said = (form.get("comment_author", ""), form.get("comment_author_url", ""), _text(form))
    return services().judge.spam(["\n".join(part for part in said if part)])[0]


def _text(form: Form) -> str:
    return html_to_text(form.get("comment_content", ""))


@blueprint.post("/1.1/submit-spam")
def submit_spam() -> Response:
    """Keep that a comment was spam after all."""
    return _learn(Outcome.DELETE)


@blueprint.post("/1.1/submit-ham")
def submit_ham() -> Response:
    """Keep that a comment was no spam after all."""
    return _learn(Outcome.APPROVE)


def _learn(outcome: Outcome) -> Response:
    """Keep a correction as the site's own decision, where it says which comment under which page it means."""
    site, form = enter()
    with services().database.session() as session:
        blog = form.get("blog", site.slug)
        count(
            session,
            site,
            blog,
            calls=0,
            missed_spam=outcome is Outcome.DELETE,
            false_positives=outcome is Outcome.APPROVE,
        )
        data = _comment(form)
        if data is not None:
            history.record(session, site, data, outcome=outcome, decided_at=now())
        session.commit()
    services().bell.ring("score")
    return plain(THANKS)


def _comment(form: Form) -> CommentData | None:
    """The comment a form speaks of; None where it names none, as Coral's does."""
    url = form.get("permalink", "")
    name = form.get("comment_ID", "")
    if not name.strip() or not url.startswith(("http://", "https://")) or len(url) > 2000:
        return None
    article = ArticleData(id=(form.get("comment_post_ID") or url)[:255], url=url, title=url[:1000])
    return CommentData(
        id=name[:255],
        text=mended(_text(form)),
        commenter=CommenterData(name=form.get("comment_author", "")[:255] or None),
        submitted_at=now(),
        article=article,
    )


@blueprint.post("/1.1/get-subscription")
def subscription() -> dict[str, object]:
    """Say that the key is paid for, as the plugin's settings page wants to know."""
    site, _ = enter()
    return {
        "status": "active",
        "account_name": site.name,
        "account_type": "free-api-key",
        "next_billing_date": False,
        "limit_reached": False,
        "user_email": False,
    }


@blueprint.post("/1.1/get-stats")
def stats() -> dict[str, object]:
    """Say how much spam was found in all."""
    site, _ = enter()
    with services().database.session(read_only=True) as session:
        uses = session.query(AkismetUse).where(AkismetUse.site_id == site.id).all()
    spam = sum(use.spam for use in uses)
    judged = sum(use.spam + use.ham for use in uses) or 1
    missed, wrong = sum(use.missed_spam for use in uses), sum(use.false_positives for use in uses)
    return {
        "spam": spam,
        "ham": sum(use.ham for use in uses),
        "missed_spam": missed,
        "false_positives": wrong,
        "accuracy": f"{100 * max(0, judged - missed - wrong) / judged:.2f}",
        "time_saved": spam * 10,
        "breakdown": {},
    }


@blueprint.post("/1.1/deactivate")
def deactivate() -> Response:
    """Say goodbye."""
    enter()
    return plain("deactivated")


@blueprint.route("/1.1/test", methods=["GET", "POST"])
def test() -> Response:
    """Say that somebody is here."""
    return plain("connected")


def count(session: Session, site: Site, blog: str, *, calls: int = 1, **counts: bool) -> None:
    """Add to what a blog has used within this month."""
    month = date(now().year, now().month, 1)
    names = ("spam", "ham", "missed_spam", "false_positives")
    values = {"calls": calls} | {name: int(counts.get(name, False)) for name in names}
    row = insert_into(session, AkismetUse).values(site_id=site.id, month=month, blog=blog[:255], **values)
    session.execute(
        row.on_conflict_do_update(
            index_elements=["site_id", "month", "blog"],
            set_={name: getattr(AkismetUse, name) + value for name, value in values.items()},
        )
    )


@blueprint.errorhandler(ModerationError)
def explain(error: ModerationError) -> Response:
    """Answer as Akismet does: a wrong key is a word, too many calls are an error of HTTP."""
    if isinstance(error, NotSignedIn):
        return plain(
            "invalid",
            debug_help="We were unable to parse your blog's key; make one with `moderation site akismet-key`.",
        )
    response = plain("invalid", debug_help=error.message)
    if isinstance(error, TooMany):
        response.status_code = 429
        response.headers["Retry-After"] = str(error.wait)
    return response


@blueprint.errorhandler(HTTPException)
def explain_http(error: HTTPException) -> Response:
    """Answer what the web server refused as Akismet would, with HTTP's own status."""
    response = plain("invalid", debug_help=error.description or error.name)
    response.status_code = error.code or 500
    return response
