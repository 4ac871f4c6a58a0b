"""A site may let what is learned look at a commenter's record."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Go forward; code of before knows nothing of it and leaves it off."""
    op.add_column("site", sa.Column("learns_from_records", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("site") as table:
        table.drop_column("learns_from_records")
