"""How often in a row a site could not be told, and until when it is left in peace."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go forward; the default stays, so that code of before can still add sites."""
    op.add_column("site", sa.Column("failed_tries", NUMBER, nullable=False, server_default="0"))
    op.add_column("site", sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Go back."""
    op.drop_column("site", "paused_until")
    op.drop_column("site", "failed_tries")
