"""The database's history. ``upgrade`` and friends run Alembic without an ini file, from wherever it is installed."""

from pathlib import Path

from alembic.config import Config


def config(database_url: str) -> Config:
    """Make Alembic's configuration for a database."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent))
    made.set_main_option("path_separator", "os")
    made.attributes["database_url"] = database_url
    return made
