"""The pages of the desk in the order in which the navigation shows them. A new page is one more line here."""

from dataclasses import dataclass

from flask import request
from flask_babel import LazyString, lazy_gettext
from flask_login import current_user

from moderation.models import Role


@dataclass(frozen=True, slots=True)
class Page:
    """An entry of the navigation: ``icon`` is one of assets/icons.txt; one that is not ``first`` is in the menu."""

    endpoint: str
    label: LazyString
    icon: str
    first: bool = False
    admin: bool = False

    @property
    def current(self) -> bool:
        """Whether it is the page that is being shown."""
        return bool(request.endpoint == self.endpoint)


PAGES = (
    Page("desk.queue", lazy_gettext("Queue"), "inbox", first=True),
    Page("map.show", lazy_gettext("Map"), "map", first=True),
    Page("desk.approved", lazy_gettext("Approved"), "check"),
    Page("desk.deleted", lazy_gettext("Deleted"), "trash-2"),
    Page("records.mine", lazy_gettext("My decisions"), "history"),
    Page("records.deliveries", lazy_gettext("Deliveries"), "send"),
    Page("map.batches_made", lazy_gettext("Batches"), "layers"),
    Page("notices.objections", lazy_gettext("Objections"), "scale"),
    Page("notices.report", lazy_gettext("Transparency report"), "scroll-text"),
    Page("rules.every", lazy_gettext("House rules"), "book-open"),
    Page("alarms.show", lazy_gettext("Alarms and shifts"), "triangle-alert"),
    Page("access.show", lazy_gettext("My access"), "user-round"),
    Page("records.log", lazy_gettext("Audit log"), "lock", admin=True),
)


def pages() -> list[Page]:
    """Return the pages that the moderator of this request may see."""
    is_admin = current_user.role is Role.ADMIN
    return [page for page in PAGES if is_admin or not page.admin]
