"""Where templates and translations lie: in the installed package, else in the checkout."""

from pathlib import Path

_HERE = Path(__file__).parent

TEMPLATES = _HERE / "templates" if (_HERE / "templates").is_dir() else _HERE.parent / "templates"
TRANSLATIONS = _HERE / "translations"
