"""The guides in `docs/` as programs: their code blocks, so that tests can do what they tell."""

import re
import textwrap
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


def blocks(name: str, language: str) -> list[str]:
    """Return the code blocks of a document in one language, in order."""
    text = (DOCS / name).read_text(encoding="utf-8")
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```$", text, re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(block) for _, block in found]
