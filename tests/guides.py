"""The guides in `docs/` as programs: their code blocks, so that tests can do what they tell."""

import re
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


def blocks(name: str, language: str) -> list[str]:
    """Return the code blocks of a document in one language, in order."""
    text = (DOCS / name).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
