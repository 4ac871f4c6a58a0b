"""The sites, as admins see them: what there is, what is set of each, and the keys it proves itself with."""

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from moderation import audit, auth, sites
from moderation.errors import BadInput, Forbidden
from moderation.models import Comment, Scope, Site, SiteKey, Status
from moderation.views import me, services, site_form
from moderation.views.site_form import NewSiteForm, SiteForm

blueprint = Blueprint("sites", __name__, url_prefix="/sites")

KEY = "int(max=9000000000000000000)"


@dataclass(frozen=True, slots=True)
class Shown:
    """A secret that is shown this one time, and what it is."""

    label: str
    value: str


@blueprint.get("")
def every() -> ResponseReturnValue:
    """List the sites that one may set up, and ask admins of the house for another."""
    if not current_user.manages_some:
        raise Forbidden("Only an admin may do this.")
    with services().database.session(read_only=True) as session:
        return _list(session, NewSiteForm())


def _list(session: Session, form: FlaskForm) -> ResponseReturnValue:
    pending = select(Comment.site_id, func.count()).where(Comment.status == Status.PENDING).group_by(Comment.site_id)
    html = render_template(
        "sites.html",
        sites=[site for site in session.scalars(select(Site).order_by(Site.name)) if current_user.manages(site)],
        waiting=dict(session.execute(pending).all()),
        form=form if current_user.manages_house else None,
    )
    return html, 422 if form.errors else 200


@blueprint.post("")
def add() -> ResponseReturnValue:
    """Add a site with the house rules to start with, and show its keys this one time."""
    auth.require_admin()
    form = NewSiteForm()
    with services().database.session() as session:
        if not form.validate():
            return _list(session, form)
        try:
            made = sites.add_site(
                session,
                slug=form.slug.data,
                name=form.name.data,
                language=form.language.data,
                callback_url=form.callback_url.data or None,
                by=me(session),
            )
        except BadInput as error:
            session.rollback()
            taken = gettext("There is a site with this short name already.")
            wrong = gettext("Small letters, digits and hyphens only, at most 60.")
            form.slug.errors = [taken if error.code == "taken" else wrong]
            return _list(session, form)
        token = auth.new_token(made)
        session.commit()
        shown = [_secret(auth.signing_secrets(made)[0]), Shown(gettext("Token for the API"), token)]
        return _page(made, shown=shown)


def _secret(value: str) -> Shown:
    return Shown(gettext("Signing secret"), value)


@blueprint.get("/<slug>")
def show(slug: str) -> ResponseReturnValue:
    """Show what is set of a site, and its keys without what they are."""
    with services().database.session(read_only=True) as session:
        return _page(auth.site_to_manage(session, slug))


def _page(
    site: Site, *, form: SiteForm | None = None, shown: list[Shown] | None = None, wrong: str = ""
) -> ResponseReturnValue:
    html = render_template(
        "site.html",
        site=site,
        form=form or site_form.filled(site),
        keys=[key for key in site.keys if key.revoked_at is None],
        shown=shown or [],
        wrong=wrong,
        scopes=_scopes(),
        settings=services().settings,
    )
    return html, 422 if wrong or (form and form.errors) else 200


def _scopes() -> list[tuple[Scope, str]]:
    return [
        (Scope.READ, gettext("may read")),
        (Scope.DECIDE, gettext("may decide, too")),
        (Scope.MANAGE, gettext("may change the site and its rules, too")),
    ]


@blueprint.post("/<slug>")
def change(slug: str) -> ResponseReturnValue:
    """Set what is different, or say what is wrong with it."""
    form = SiteForm()
    with services().database.session() as session:
        site = auth.site_to_manage(session, slug)
        if not form.validate():
            return _page(site, form=form)
        changes = form.changes(site)
        if changes.keys() & {"callback_url", "callback_private", "origins"} and form.callback_private.data:
            auth.require_admin()  # what is inside the network is the house's, not a site's
        for name, value in changes.items():
            setattr(site, name, value)
        if changes:
            audit.note(session, "site_changed", moderator=me(session), subject=f"site {slug}", fields=sorted(changes))
        session.commit()
    return redirect(url_for("sites.show", slug=slug, saved=1), 303)


@blueprint.post("/<slug>/secrets")
def new_secret(slug: str) -> ResponseReturnValue:
    """Make another signing secret, or end all but the newest."""
    with services().database.session() as session:
        site = auth.site_to_manage(session, slug)
        if request.form.get("do") == "finish":
            ended = auth.end_old_secrets(site)
            audit.note(session, "secrets_ended", moderator=me(session), subject=f"site {slug}", number=ended)
            session.commit()
            return redirect(url_for("sites.show", slug=slug, saved=1), 303)
        made = auth.new_signing_key(site)
        audit.note(session, "secret_added", moderator=me(session), subject=f"site {slug}")
        session.commit()
        return _page(site, shown=[_secret(made)])


@blueprint.post("/<slug>/keys")
def make_key(slug: str) -> ResponseReturnValue:
    """Make a token for the API or a key for Akismet's clients, or keep the secret that Coral signs with."""
    with services().database.session() as session:
        site = auth.site_to_manage(session, slug)
        try:
            shown = _make(site, request.form.get("kind", ""))
        except BadInput as error:
            session.rollback()
            return _page(auth.site_by_slug(session, slug), wrong=error.message)
        kind, scope = request.form["kind"], request.form.get("scope")
        audit.note(session, "key_added", moderator=me(session), subject=f"site {slug}", kind=kind, scope=scope)
        session.commit()
        return _page(site, shown=shown)


def _make(site: Site, kind: str) -> list[Shown]:
    if kind == "akismet":
        return [Shown(gettext("Key for Akismet’s clients"), auth.new_akismet_key(site))]
    if kind == "coral":
        secret = request.form.get("secret", "").strip()
        if not 16 <= len(secret) <= 200:
            raise BadInput(gettext("Coral’s signing secret has between 16 and 200 characters."), field="secret")
        auth.add_coral_secret(site, secret)
        return []
    if kind != "token":
        raise BadInput("`kind` must be token, akismet or coral.", field="kind")
    try:
        scope = Scope(request.form.get("scope", ""))
    except ValueError:
        raise BadInput("`scope` must be read, decide or manage.", field="scope") from None
    token = auth.new_token(site, scope, request.form.get("name", "").strip()[:80])
    return [Shown(gettext("Token for the API"), token)]


@blueprint.post(f"/<slug>/keys/<{KEY}:key_id>")
def revoke(slug: str, key_id: int) -> ResponseReturnValue:
    """Let a token, or a key of another service's client, be valid no longer."""
    with services().database.session() as session:
        key: SiteKey = auth.revoke_key(session, auth.site_to_manage(session, slug), key_id)
        audit.note(session, "key_revoked", moderator=me(session), subject=f"site {slug}", kind=key.kind, key=key_id)
        session.commit()
    return redirect(url_for("sites.show", slug=slug, saved=1), 303)
