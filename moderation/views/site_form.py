"""The forms of a site: what is asked of a new one, and all that an admin may set of one that is there."""

import re
from typing import Any

from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, IntegerField, StringField, TextAreaField, ValidationError
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Regexp

from moderation import forms
from moderation.config import is_time_zone
from moderation.errors import BadInput
from moderation.models import Site


def _bare(text: str | None) -> str:
    return (text or "").strip()


def _address(_form: FlaskForm, field: Field) -> None:
    if field.data and not re.fullmatch(r"https?://[^\s/]\S*", field.data):
        raise ValidationError(gettext("An address begins with https:// or http://."))


def _zone(_form: FlaskForm, field: Field) -> None:
    if not is_time_zone(field.data):
        raise ValidationError(gettext("There is no such time zone; write it as %(example)s.", example="Europe/Berlin"))


def _origins(_form: FlaskForm, field: Field) -> None:
    for line in lines(field.data):
        try:
            forms.clean_origin(line)
        except BadInput:
            problem = gettext("%(line)s is no origin; write it as https://blog.example.", line=line[:80])
            raise ValidationError(problem) from None


def lines(text: str | None) -> list[str]:
    """Return the lines of a field that say something."""
    return [line.strip() for line in (text or "").splitlines() if line.strip()]


def _name() -> StringField:
    return StringField(
        lazy_gettext("Name"),
        description=lazy_gettext("As readers know it."),
        filters=[_bare],
        validators=[DataRequired(), Length(max=200)],
    )


def _language() -> StringField:
    return StringField(
        lazy_gettext("Language"),
        description=lazy_gettext("Of most articles, and of what readers are told: de, en …"),
        default="de",
        filters=[_bare],
        validators=[Regexp(r"[a-z]{2,3}(-[A-Za-z]{2,4})?$", message=lazy_gettext("Two or three letters, like de."))],
    )


def _callback() -> StringField:
    return StringField(
        lazy_gettext("Where decisions are sent"),
        description=lazy_gettext("An address of the site. Empty: the site fetches them."),
        filters=[_bare],
        validators=[_address, Length(max=2000)],
    )


class NewSiteForm(FlaskForm):  # type: ignore[misc]
    """What is asked of a new site."""

    slug = StringField(
        lazy_gettext("Short name"),
        description=lazy_gettext("Part of its addresses, and never changed: small letters, digits, hyphens."),
        filters=[_bare],
        validators=[DataRequired(), Length(max=60)],
    )
    name = _name()
    language = _language()
    callback_url = _callback()


class SiteForm(FlaskForm):  # type: ignore[misc]
    """All that may be set of a site."""

    name = _name()
    language = _language()
    time_zone = StringField(
        lazy_gettext("Time zone"),
        description=lazy_gettext("By it the hours of rules and modes are meant."),
        filters=[_bare],
        validators=[DataRequired(), Length(max=60), _zone],
    )
    undo_seconds = IntegerField(
        lazy_gettext("Seconds for undo"),
        description=lazy_gettext("So long a decision waits before the site hears of it."),
        validators=[InputRequired(), NumberRange(0, 86_400)],
    )
    callback_url = _callback()
    callback_private = BooleanField(lazy_gettext("This may be a private address, inside our own network"))
    mails_reasons = BooleanField(lazy_gettext("Commenters get the reasons for a deletion by mail"))
    learns_from_records = BooleanField(
        lazy_gettext("What is learned may look at how many of a commenter’s earlier comments were deleted")
    )
    keeps_addresses = BooleanField(lazy_gettext("Keep e-mails and IPs readable, rather than sealed"))
    origins = TextAreaField(
        lazy_gettext("Pages with our comment form"),
        description=lazy_gettext("Where they are served, one a line, like https://blog.example."),
        validators=[_origins],
    )
    forms_need_work = BooleanField(lazy_gettext("Browsers must work for a second before they may send"))
    akismet_asks = BooleanField(lazy_gettext("People decide what is in doubt for Akismet’s clients"))
    coral_rejects = BooleanField(lazy_gettext("Coral rejects by itself what a rule says to delete"))

    def changes(self, site: Site) -> dict[str, Any]:
        """Return what is to be different from how the site is."""
        wanted = {one.name: one.data for one in self if one.name != "csrf_token"}
        wanted["origins"] = [forms.clean_origin(line) for line in lines(self.origins.data)]
        wanted["callback_url"] = wanted["callback_url"] or None
        return {name: value for name, value in wanted.items() if getattr(site, name) != value}


def filled(site: Site) -> SiteForm:
    """Return the form as the site is."""
    form = SiteForm(formdata=None, obj=site)
    form.origins.data = "\n".join(site.origins)
    return form
