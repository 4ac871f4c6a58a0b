"""Who may do what: site keys and signatures, moderators' sign-in, roles, CSRF; each route is denied unless listed."""

import base64
import hashlib
import secrets
from collections.abc import Mapping

from flask import Flask, g, has_request_context, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user
from flask_wtf import CSRFProtect
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from werkzeug.datastructures import Headers

from moderation.access import sign_ins
from moderation.confinement import confine, manages, sites_of
from moderation.contract import mended
from moderation.db import now
from moderation.errors import BadInput, BadJson, Forbidden, NotFound, NotSignedIn
from moderation.models import Role, Scope, SignIn, Site, SiteKey
from moderation.reading import close_with_request, reading

FOR_READERS = frozenset({"reader.statement", "reader.notice_form", "reader.notice", "forms.comments", "forms.work"})
"""Endpoints for readers: they show everybody the same, whoever is signed in besides."""

OPEN = FOR_READERS | frozenset(
    {
        "static",
        "health.healthz",
        "health.readyz",
        "account.sign_in",
        "account.code",
        "account.passkey",
        "account.passkey_challenge",
        "account.openid_begin",
        "account.openid_back",
        "account.openid_finish",
        "account.language",
        "v1.openapi",
        "shifts.show",
        "shifts.open",
    }
)
"""Endpoints for anybody."""

SIGNED = frozenset(
    {
        "health.metrics",
        "api.webhook",
        "api.bulk_webhook",
        "v1.site",
        "v1.articles",
        "v1.article",
        "v1.comments",
        "v1.comment",
        "v1.assessment",
        "v1.decided",
        "v1.assessed",
        "v1.decisions",
        "v1.deliveries",
        "v1.sent",
        "v1.rules",
        "v1.preview",
        "v1.change_site",
        "v1.change_article",
        "v1.decide",
        "v1.acknowledge",
        "v1.send_again",
        "v1.save_rules",
        "perspective.discovery",
        "perspective.analyze",
        "suggestion.suggest",
        "openai.moderations",
        "akismet.verify_key",
        "akismet.comment_check",
        "akismet.submit_spam",
        "akismet.submit_ham",
        "akismet.subscription",
        "akismet.stats",
        "akismet.deactivate",
        "akismet.test",
        "akismet_usage.usage_limit",
        "akismet_usage.key_sites",
        "coral.moderate",
        "coral.webhook",
        "forms.submit",
        "forms.look",
    }
)
"""Endpoints for sites, which prove themselves by a signature, a token or a key; or for forms, by the page of theirs."""

WITHOUT_SIGN_IN = OPEN | SIGNED

FOR_EVERYBODY = SIGNED | FOR_READERS
"""Endpoints that show what they show whoever is signed in besides."""

PROGRAMS = (
    "/webhooks/",
    "/api/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/v1alpha1/",
    "/v1/",
    "/1.1/",
    "/1.2/",
    "/compat/",
    "/forms/",
    "/$",
)
"""Where paths begin that programs ask for: they get errors as problem details."""


class SignedIn(UserMixin):  # type: ignore[misc]
    """The moderator of a request, with the sign-in of their device; detached from any database session."""

    def __init__(self, sign_in: SignIn, token: str, sites: Mapping[int, Role] | None) -> None:
        moderator = sign_in.moderator
        self.id = moderator.id
        self.token = token
        self.sign_in_id = sign_in.id
        self.is_stale = sign_ins.is_stale(sign_in)
        self.name = moderator.name
        self.role = moderator.role
        self.sites = sites
        self.language = moderator.language
        self.preferences = moderator.preferences
        self.keys = moderator.keys

    def get_id(self) -> str:
        """Return what the cookie holds: the sign-in's token, which the table can end."""
        return self.token

    @property
    def manages_house(self) -> bool:
        """Whether they are an admin of the whole house."""
        return manages(self.sites, self.role, None)

    @property
    def manages_some(self) -> bool:
        """Whether there is a site of which they are an admin, or may be one."""
        return self.manages_house or Role.ADMIN in (self.sites or {}).values()

    def manages(self, site: Site) -> bool:
        """Whether they are an admin of this site."""
        return manages(self.sites, self.role, site.id)


def protect(app: Flask) -> None:
    """Deny every route of the application to whoever is not signed in, save those listed above.

    All blueprints must be registered before.
    """
    app.before_request(_deny)  # first: whose session is over is asked to sign in, not told of a wrong form
    csrf = CSRFProtect(app)
    for endpoint in SIGNED:
        csrf.exempt(app.view_functions[endpoint])
    logins = LoginManager(app)
    logins.user_loader(_load)
    close_with_request(app)


def _load(token: str) -> SignedIn | None:
    with reading() as session:
        found = sign_ins.find(session, token)
        session.info["signed_in"] = found  # kept, so that the session need not look the moderator up again
        if found is None:
            return None
        g.signed_in = known = signed_in(session, found, token)
        confine_to_request(session)
        return known


def signed_in(session: Session, sign_in: SignIn, token: str) -> SignedIn:
    """Return the moderator of a sign-in, with the sites they are confined to."""
    return SignedIn(sign_in, token, sites_of(session, sign_in.moderator))


def confine_to_request(session: Session) -> None:
    """Let a session see what the moderator may see in whose request it is opened."""
    found: SignedIn | None = g.get("signed_in") if has_request_context() else None
    if found is not None and found.sites is not None and request.endpoint not in FOR_EVERYBODY:
        confine(session, found.sites)


def _deny() -> ResponseReturnValue | None:
    if request.endpoint is None or request.endpoint in WITHOUT_SIGN_IN or current_user.is_authenticated:
        return None
    if speaks_to_programs():
        raise NotSignedIn("Sign in first.")
    if request.method == "GET":
        return redirect(url_for("account.sign_in", next=request.full_path))
    keep_draft()
    return redirect(url_for("account.sign_in", next=request.form.get("back")))


def keep_draft() -> None:
    """Keep the note that was being written when the session ended; it stands in its field again after the sign-in."""
    note, about = (request.form.get("note") or request.form.get("reason", ""))[:500], request.view_args or {}
    if note:
        session["draft"] = {"comment": about.get("comment_id"), "article": about.get("article_id"), "note": note}


def speaks_to_programs() -> bool:
    """Whether this request comes from a program rather than from a person's browser."""
    return request.path.startswith(PROGRAMS)


def require_admin(site: Site | None = None) -> None:
    """Forbidden unless the moderator of this request is an admin: of the site, or of the whole house where none is."""
    if not (current_user.manages(site) if site else current_user.manages_house):
        raise Forbidden("Only an admin may do this.")


def site_to_manage(session: Session, slug: str) -> Site:
    """Return the site; NotFound where there is none of that name, Forbidden unless one is its admin."""
    site = site_by_slug(session, slug)
    require_admin(site)
    return site


def site_by_slug(session: Session, slug: str) -> Site:
    """Return the site, NotFound where there is none of that name."""
    found = select(Site).where(Site.slug == slug).options(joinedload(Site.keys))
    site = session.scalars(found).unique().one_or_none()
    if site is None:
        raise NotFound(f"There is no site {slug!r} here.", code="unknown_site")
    return site


def signing_secrets(site: Site) -> list[str]:
    """Return the site's valid signing secrets, newest first."""
    return [key.value for key in site.keys if key.kind == "signing" and key.revoked_at is None]


def verify_webhook(site: Site, body: bytes, headers: Headers, *, tolerance: float) -> str:
    """Check a Standard Webhooks signature over the exact body with each of the site's secrets; return the webhook id.

    NotSignedIn says which of the three headers is missing or wrong. ``tolerance`` is in seconds.
    """
    wanted = {name: headers.get(name, "") for name in ("webhook-id", "webhook-timestamp", "webhook-signature")}
    for name, value in wanted.items():
        if not value:
            raise NotSignedIn(f"The header {name} is missing.", code="missing_signature", field=name)
    _check_clock(wanted["webhook-timestamp"], tolerance)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise BadJson(f"The body is not UTF-8: {error}.", field="") from None
    if len(wanted["webhook-id"]) > 255:
        raise BadInput("The header webhook-id is longer than 255 characters.", field="webhook-id")
    for secret in signing_secrets(site):
        try:
            Webhook(secret).verify(text, wanted, json_parse=False)
        except (WebhookVerificationError, ValueError):
            continue  # ValueError: the header is malformed, which the library does not catch
        return wanted["webhook-id"]
    raise NotSignedIn(
        "The signature does not match; sign `{id}.{timestamp}.{body}`, the exact bytes sent, with this site's secret.",
        code="wrong_signature",
        field="webhook-signature",
    )


def _check_clock(timestamp: str, tolerance: float) -> None:
    try:
        off = now().timestamp() - int(timestamp)
    except (ValueError, OverflowError):  # it is no number, or has hundreds of digits
        raise NotSignedIn(
            "The header webhook-timestamp must hold Unix seconds.", code="wrong_timestamp", field="webhook-timestamp"
        ) from None
    if abs(off) > tolerance:
        way = "behind" if off > 0 else "ahead of"
        raise NotSignedIn(
            f"Your clock is {abs(off):.0f} seconds {way} ours, more than the {tolerance:.0f} that are allowed.",
            code="clock_skew",
            field="webhook-timestamp",
        )


def site_by_token(session: Session, authorization: str | None, scope: Scope = Scope.READ) -> Site:
    """Return the site whose API token the ``Authorization`` header bears; NotSignedIn where it bears none.

    Forbidden where the token may not do what needs ``scope``.
    """
    scheme, _, token = (authorization or "").partition(" ")
    key = find_key(session, token, kind="token") if scheme.lower() == "bearer" else None
    if key is None:
        raise NotSignedIn(
            "Send `Authorization: Bearer <token of your site>`.", code="wrong_token", field="authorization"
        )
    return _allowed(key, scope)


def _allowed(key: SiteKey, scope: Scope) -> Site:
    if key.scope is not None and not key.scope.covers(scope):
        raise Forbidden(
            f"This token may {key.scope} only, and this needs one that may {scope}; make one with "
            f"`moderation token create {key.site.slug} --scope {scope}`.",
            code="scope",
            field="authorization",
        )
    return key.site


def site_by_key(session: Session, value: str, *, kind: str, scope: Scope = Scope.READ) -> Site:
    """Return the site that has this valid ``token`` or ``akismet`` key; NotSignedIn where none has.

    Forbidden where the token may not do what needs ``scope``.
    """
    key = find_key(session, value, kind=kind)
    if key is None:
        raise NotSignedIn("The key is not valid.", code="wrong_key", field="key")
    return _allowed(key, scope)


def find_key(session: Session, value: str, *, kind: str) -> SiteKey | None:
    """Return the valid key of a kind, by what its holder sends; of tokens only hashes are kept."""
    sent = mended(value.strip())
    kept = hashlib.sha256(sent.encode()).hexdigest() if kind == "token" else sent.lower()
    return session.scalars(
        select(SiteKey).where(SiteKey.kind == kind, SiteKey.value == kept, SiteKey.revoked_at.is_(None))
    ).one_or_none()


def new_signing_key(site: Site) -> str:
    """Give the site a new signing secret beside those it has, and return it."""
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode("ascii")
    site.keys.append(SiteKey(kind="signing", value=secret))
    return secret


def end_old_secrets(site: Site) -> int:
    """Let all signing secrets but the newest be valid no longer; return how many."""
    old = [key for key in site.keys if key.kind == "signing" and key.revoked_at is None][1:]
    for key in old:
        key.revoked_at = now()
    return len(old)


def new_token(site: Site, scope: Scope = Scope.DECIDE, name: str = "") -> str:
    """Give the site a new API token that may do ``scope``, and return it; only its hash is kept."""
    token = "ho_" + secrets.token_urlsafe(32)
    digest = hashlib.sha256(token.encode("ascii")).hexdigest()
    site.keys.append(SiteKey(kind="token", value=digest, scope=scope, name=name))
    return token


def revoke_token(session: Session, token_id: int) -> Site:
    """Let a token be valid no longer, and return its site; NotFound where there is no such valid token."""
    key = session.get(SiteKey, token_id)
    if key is None or key.kind != "token" or key.revoked_at is not None:
        raise NotFound(f"There is no valid token {token_id}; `moderation token list` shows them.")
    key.revoked_at = now()
    return key.site


def revoke_key(session: Session, site: Site, key_id: int) -> SiteKey:
    """Let a key of the site be valid no longer, save signing secrets; NotFound where it has none of that id."""
    key = session.get(SiteKey, key_id)
    if key is None or key.site_id != site.id or key.kind == "signing" or key.revoked_at is not None:
        raise NotFound(f"The site has no valid key {key_id}.")
    key.revoked_at = now()
    return key


def new_akismet_key(site: Site) -> str:
    """Give the site a new key of twelve hexadecimal digits, as Akismet's clients insist on, and return it."""
    key = secrets.token_hex(6)
    site.keys.append(SiteKey(kind="akismet", value=key))
    return key


def add_coral_secret(site: Site, secret: str) -> None:
    """Let Coral sign with a secret that it made; BadInput where it is too short to be one."""
    if not 16 <= len(secret) <= 200:
        raise BadInput("Coral's signing secret has between 16 and 200 characters.", field="secret")
    site.keys.append(SiteKey(kind="coral", value=secret))
