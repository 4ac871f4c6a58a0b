"""Pages for readers, who come by a signed link or to give notice of something illegal. Nobody signs in here."""

import hashlib
from datetime import timedelta

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, lazy_gettext
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from wtforms import BooleanField, EmailField, Field, StringField, TextAreaField, ValidationError
from wtforms.validators import DataRequired, Length, Optional

from moderation import auth, letters, quota, wording
from moderation.errors import NotFound
from moderation.models import Notice
from moderation.notices import appeals, illegal
from moderation.notices.appeals import Statement
from moderation.notices.illegal import Claim
from moderation.views import ration, services
from moderation.views.language import LANGUAGES

blueprint = Blueprint("reader", __name__, url_prefix="/reader")

PER_MINUTE = 10
"""Forms that one address may send within a minute."""

CONFIRMED_PER_MINUTE = 2
"""Notices that are confirmed to one mailbox within a minute."""


def _mailbox(_form: FlaskForm, field: Field) -> None:
    if not ("." in field.data.partition("@")[2] and letters.is_mailbox(field.data)):
        raise ValidationError(lazy_gettext("Please enter an e-mail address."))


class AppealForm(FlaskForm):  # type: ignore[misc]
    """What a commenter says against a decision."""

    text = TextAreaField(
        lazy_gettext("Why the decision is wrong"), validators=[DataRequired(), Length(max=appeals.LONGEST)]
    )
    email = EmailField(
        lazy_gettext("E-mail for the answer (optional)"), validators=[Optional(), Length(max=320), _mailbox]
    )


class NoticeForm(FlaskForm):  # type: ignore[misc]
    """What Article 16 asks of a notice."""

    address = StringField(lazy_gettext("Address of the comment"), validators=[DataRequired(), Length(max=2000)])
    text = TextAreaField(lazy_gettext("Why it is illegal"), validators=[DataRequired(), Length(max=illegal.LONGEST)])
    name = StringField(
        lazy_gettext("Your name (not needed where it is about the abuse of children)"), validators=[Length(max=255)]
    )
    email = EmailField(lazy_gettext("Your e-mail, for our answer"), validators=[Optional(), Length(max=320), _mailbox])
    good_faith = BooleanField(
        lazy_gettext("As far as I know, what I say here is right and complete."), validators=[DataRequired()]
    )


@blueprint.route("/statements/<token>", methods=["GET", "POST"])
def statement(token: str) -> ResponseReturnValue:
    """Tell a commenter why their comment was deleted, and take an objection."""
    decision_id = int(services().settings.links.read("statement", token))
    form = AppealForm()
    with services().database.session(read_only=True) as session:
        known = appeals.statement(session, decision_id)
        language = _language(known.comment.language or known.comment.site.language)
    if form.validate_on_submit():
        _slow_down()
        with services().database.session() as session:
            appeals.object_to(session, decision_id, text=form.text.data, email=form.email.data, language=language)
            session.commit()
        services().bell.ring("mail")
        return redirect(url_for("reader.statement", token=token), 303)
    with services().database.session(read_only=True) as session, force_locale(wording.locale(_wished(language))):
        return _render_statement(session, decision_id, form, token)


def _render_statement(session: Session, decision_id: int, form: AppealForm, token: str) -> ResponseReturnValue:
    known: Statement = appeals.statement(session, decision_id)
    until = known.decision.decided_at + timedelta(days=services().settings.appeal_days)
    segments = wording.segments(known.text, known.spans)
    html = render_template("reader/statement.html", known=known, form=form, token=token, segments=segments, until=until)
    return html, 422 if form.errors else 200


@blueprint.route("/sites/<slug>/notice", methods=["GET", "POST"])
def notice_form(slug: str) -> ResponseReturnValue:
    """Take a notice that something on a site is illegal."""
    form = NoticeForm(address=request.args.get("address", ""))
    with services().database.session(read_only=True) as session:
        site = auth.site_by_slug(session, slug)
        language = _wished(_language(site.language))
    with force_locale(wording.locale(language)):
        if form.validate_on_submit():
            _slow_down()
            if form.email.data:
                _spare(form.email.data)
            told = (form.address.data, form.text.data, form.name.data, form.email.data)
            with services().database.session() as session:
                site = auth.site_by_slug(session, slug)
                made = illegal.receive(session, site, Claim(*told), language=language)
                session.commit()
                link = services().settings.links.notice(made.id)
            services().bell.ring("mail")
            return redirect(link.removeprefix(services().settings.public_url.rstrip("/")), 303)
        return render_template("reader/notice_form.html", form=form, site=site), 422 if form.errors else 200


@blueprint.get("/notices/<token>")
def notice(token: str) -> ResponseReturnValue:
    """Show somebody what became of their notice."""
    notice_id = int(services().settings.links.read("notice", token))
    with services().database.session(read_only=True) as session:
        found = session.get(Notice, notice_id)
        if found is None:
            raise NotFound("There is no such notice.")
        with force_locale(wording.locale(_wished(found.language))):
            return render_template("reader/notice.html", notice=found)


def _language(known: str) -> str:
    short = known.partition("-")[0].lower()
    return short if short in LANGUAGES else wording.language()


def _wished(language: str) -> str:
    """The language of the page: what its link asks for, else the reader's own."""
    asked = request.args.get("language")
    return asked if asked in LANGUAGES else language


def _spare(email: str) -> None:
    """Let nobody have us fill the mailbox of somebody else, from however many addresses."""
    digest = hashlib.sha256(email.casefold().encode()).hexdigest()
    ration(f"notices confirmed to {digest}", per_minute=CONFIRMED_PER_MINUTE)


def _slow_down() -> None:
    ration(f"reader {quota.who(request.remote_addr)}", per_minute=PER_MINUTE)
