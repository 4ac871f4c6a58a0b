"""The doors for readers' forms on a site's own pages: send, look before sending, and what was approved."""

import hashlib
import json
from dataclasses import asdict

from flask import Blueprint, g, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from moderation import article_page, auth, forms, intake, preview, quota, resources
from moderation.compat import door
from moderation.errors import BadInput, ModerationError, TooMany
from moderation.models import Article, Site
from moderation.views import ration, services

blueprint = Blueprint("forms", __name__)

FETCH_WITHIN = 2.0
"""Seconds for each step of fetching an article that nobody told of; the reader waits for it once."""

PLACE = "/forms/<site>"


def _site(slug: str) -> Site:
    with services().database.session(read_only=True) as session:
        found = auth.site_by_slug(session, slug)
        g.origins = found.origins
        return found


def _ration(site: Site) -> None:
    """Count what one address sends; it is not kept."""
    who = hashlib.sha256(f"{quota.who(request.remote_addr)} {site.pepper}".encode()).hexdigest()[:32]
    ration(f"forms {site.id} {who}", per_minute=services().settings.forms_per_minute)


@blueprint.post(PLACE)
@blueprint.post(f"{PLACE}/<path:_rest>")
def submit(site: str, _rest: str = "") -> ResponseReturnValue:
    """Take in what a reader wrote; what themes put behind the address is not looked at."""
    ours = _site(site)
    sent = forms.read(ours, request.form, origin=request.headers.get("Origin"), referrer=request.referrer)
    g.back = sent.options.get("redirectError")
    _ration(ours)
    article = _article(ours, sent)
    with services().database.session() as session:
        if ours.forms_need_work:
            forms.require_work(session, ours, request.form.get("altcha", ""))
        comment = forms.take(
            session,
            session.get_one(Site, ours.id),
            sent,
            session.get_one(Article, article),
            address=request.remote_addr,
            max_characters=services().settings.max_comment_characters,
        )
        external_id = comment.external_id
        session.commit()
    services().bell.ring("score")
    if "redirect" in sent.options and not _wants_json():
        return redirect(sent.options["redirect"], 303)
    if not _wants_json():
        return render_template("reader/sent.html", back=sent.url), 202
    return {"success": True, "id": external_id, "status": "pending"}, 202


def _article(site: Site, sent: forms.Sent) -> int:
    """The article's id; one that is new is fetched from its page, for what a form says of it is not to be trusted."""
    found = door.find_or_fetch_article(site, sent.article_id, sent.url, within=FETCH_WITHIN, renew=False)
    return found or door.keep_article(site, forms.unread_article(sent))


@blueprint.get(f"{PLACE}/comments")
def comments(site: str) -> Response:
    """List the approved comments under an article, oldest first; to no page that is not the site's."""
    ours = _site(site)
    origin = request.headers.get("Origin")
    if origin:
        forms.require_own_page(ours, origin, request.referrer)
    name = request.args.get("article", "")
    if not name:
        raise BadInput("`article` is missing: what the page calls its article.", code="missing", field="article")
    after = request.args.get("after", "0")
    if not after.isascii() or not after.isdigit() or len(after) > 18:
        raise BadInput("`after` must be a whole number.", field="after")
    with services().database.session(read_only=True) as session:
        found, following = forms.shown(session, ours, name, after=int(after))
        article = article_page.known(session, ours, name)
    said = {
        "comments": [asdict(comment) | {"submitted_at": comment.submitted_at.isoformat()} for comment in found],
        "next": following,
        "work": ours.forms_need_work,
        "closed": article is not None and article.closed_at is not None,
    }
    response = Response(json.dumps(said, ensure_ascii=False), content_type="application/json")
    response.add_etag()
    response.headers["Cache-Control"] = "no-cache"
    return response.make_conditional(request)


@blueprint.get(f"{PLACE}/work")
def work(site: str) -> ResponseReturnValue:
    """Give a browser something to do before it may send, in ALTCHA's form."""
    return forms.challenge(_site(site))


@blueprint.post(f"{PLACE}/preview")
def look(site: str) -> ResponseReturnValue:
    """Say which rule a text would put in doubt, and by which words, before it is sent. Nothing is stored."""
    ours = _site(site)
    forms.require_own_page(ours, request.headers.get("Origin"), request.referrer)
    _ration(ours)
    text = request.form.get("text", "").strip()
    intake.require_length(text, services().settings.max_comment_characters)
    if not text or "\x00" in text + request.form.get("article", ""):
        raise BadInput("`text` is empty, or something holds a NUL.", field="text")
    with services().database.session(read_only=True) as session:
        article = article_page.known(session, ours, request.form.get("article", ""))
        job = preview.job(session, ours, text=text, article=article)
    _, advised = preview.look(services().judge, job)
    said = resources.preview(text, advised, ours, language=request.form.get("language", ""))
    rule = said.rule and {"title": said.rule.title, "text": said.rule.text}
    return {"rule": rule, "quotes": [span.quote for span in said.spans]}


@blueprint.after_request
def _share(response: Response) -> Response:
    """Let scripts on the site's own pages read the answer, and no others."""
    origin = request.headers.get("Origin")
    response.headers.add("Vary", "Origin")
    if origin and origin in g.get("origins", ()):
        response.headers["Access-Control-Allow-Origin"] = origin
    return response


def _wants_json() -> bool:
    """Whether a script asks; a form without script asks for a page."""
    accepts = request.accept_mimetypes
    return not accepts.accept_html or accepts["application/json"] > accepts["text/html"]


@blueprint.errorhandler(ModerationError)
def _explain(error: ModerationError) -> ResponseReturnValue:
    """Say what went wrong: to a script as problem details, to a reader where the form wished, or on a page of ours."""
    if request.method == "GET" or _wants_json():
        response = make_response(error.as_problem(), error.status)
        response.content_type = "application/problem+json"
    elif g.get("back"):
        response = make_response(redirect(g.back, 303))
    else:
        response = make_response(render_template("reader/refused.html", error=error), error.status)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.wait)
    return response
