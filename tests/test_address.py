"""German speaks to moderators with du, or with Sie to whoever prefers that; never with both."""

import re

from babel.messages.mofile import read_mo

from tests.test_translations import GERMAN, _catalog, _said

FORMAL = GERMAN.with_name("formal.po")
INFORMAL = re.compile(r"\b([Dd]u|[Dd]ich|[Dd]ir|[Dd]ein\w*|[Ee]uch|[Ee]uer|[Ee]ur\w*|versuch|lies|gib|öffne ihn)\b")


def _texts(string: str | tuple[str, ...]) -> tuple[str, ...]:
    return string if isinstance(string, tuple) else (string,)


def test_whoever_is_not_on_first_name_terms_is_never_addressed_so() -> None:
    formal = {message.id: message.string for message in _catalog(FORMAL) if message.id}
    known = {message.id for message in _catalog(GERMAN) if message.id}
    assert set(formal) <= known, "formal.po says otherwise what is not said any more"
    for message in _catalog(GERMAN):
        said = _texts(formal.get(message.id, message.string))
        assert all(said), f"not translated: {message.id}"
        assert not [text for text in said if INFORMAL.search(text) and text != "„du“"], f"formal.po lacks: {message.id}"
    with FORMAL.with_suffix(".mo").open("rb") as opened:
        assert _said(read_mo(opened)) == _said(_catalog(FORMAL)), "run `make translations`"
