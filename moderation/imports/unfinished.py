"""Remember how far an import came, together with what it brought, so that the next run goes on there."""

import hashlib
from pathlib import Path

from sqlalchemy import delete
from sqlalchemy.orm import Session

from moderation.db import now
from moderation.imports.place import START, Place
from moderation.models import Site, UnfinishedImport

AT_ONCE = 1 << 20


class Beginning:
    """The digest of a file's beginning, which may only grow."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self._read = 0

    def digest(self, size: int) -> str:
        """Return the SHA-256 of the first ``size`` bytes, in hexadecimal."""
        with self._file.open("rb") as opened:
            opened.seek(self._read)
            while self._read < size and (piece := opened.read(min(AT_ONCE, size - self._read))):
                self._hash.update(piece)
                self._read += len(piece)
        return self._hash.hexdigest()


def place(session: Session, site: Site, form: str, beginning: Beginning) -> Place:
    """Return where the last import of such a file stopped, if this one begins with all that was read then.

    So a file that was mended behind that place, or was cut off and is whole now, goes on; any other starts anew.
    """
    known = session.get(UnfinishedImport, (site.id, form))
    if known is None or beginning.digest(known.read) != known.digest:
        return START
    return Place(known.read, known.lines, known.items)


def keep(session: Session, site: Site, form: str, place: Place, digest: str) -> None:
    """Remember a place, instead of the one before it."""
    values = {"read": place.read, "lines": place.lines, "items": place.items, "digest": digest, "saved_at": now()}
    session.merge(UnfinishedImport(site_id=site.id, form=form, **values))


def end(session: Session, site: Site, form: str) -> None:
    """Forget the place: the file is through."""
    session.execute(delete(UnfinishedImport).where(UnfinishedImport.site_id == site.id, UnfinishedImport.form == form))
