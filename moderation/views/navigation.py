"""The pages of the desk in the order in which the navigation shows them. A new page is one more line here."""

from dataclasses import dataclass

from flask import request
from flask_babel import LazyString, lazy_gettext
from flask_login import current_user

from moderation import wording


@dataclass(frozen=True, slots=True)
class Page:
    """An entry of the navigation: ``icon`` is one of assets/icons.txt; one that is not ``first`` is in the menu.

    ``for_`` says of whom one must be an admin to see it: of ``some`` site, of the ``house``. ``letters`` lead there
    after the key for going somewhere: German first, English last.
    """

    endpoint: str
    label: LazyString
    icon: str
    letters: str
    first: bool = False
    for_: str = ""

    @property
    def letter(self) -> str:
        """The letter to show, in the language of the page."""
        return (self.letters[:1] if wording.language() == "de" else self.letters[-1:]).upper()

    @property
    def current(self) -> bool:
        """Whether it is the page that is being shown."""
        return bool(request.endpoint == self.endpoint)


PAGES = (
    Page("desk.queue", lazy_gettext("Queue"), "inbox", "wq", first=True),
    Page("map.show", lazy_gettext("Map"), "map", "km", first=True),
    Page("today.show", lazy_gettext("Today"), "activity", "ht"),
    Page("today.put_off", lazy_gettext("What is put off"), "clock", "z"),
    Page("desk.approved", lazy_gettext("Approved"), "check", "a"),
    Page("desk.deleted", lazy_gettext("Deleted"), "trash-2", "ld"),
    Page("records.mine", lazy_gettext("My decisions"), "history", "eo"),
    Page("records.deliveries", lazy_gettext("Deliveries"), "send", "vs"),
    Page("map.batches_made", lazy_gettext("Batches"), "layers", "b"),
    Page("notices.objections", lazy_gettext("Objections"), "scale", "j"),
    Page("notices.report", lazy_gettext("Transparency report"), "scroll-text", "x"),
    Page("rules.every", lazy_gettext("House rules"), "book-open", "r"),
    Page("learning.show", lazy_gettext("What is learned"), "graduation-cap", "u"),
    Page("alarms.show", lazy_gettext("Alarms and shifts"), "triangle-alert", "p"),
    Page("access.show", lazy_gettext("My access"), "user-round", "i"),
    Page("own.show", lazy_gettext("My desk"), "settings", "n"),
    Page("sites.every", lazy_gettext("Sites"), "globe", "g", for_="some"),
    Page("moderators.show", lazy_gettext("Moderators"), "users", "y", for_="house"),
    Page("records.log", lazy_gettext("Audit log"), "lock", "c", for_="house"),
)


def pages() -> list[Page]:
    """Return the pages that the moderator of this request may see."""
    open_to = {"": True, "some": current_user.manages_some, "house": current_user.manages_house}
    return [page for page in PAGES if open_to[page.for_]]
