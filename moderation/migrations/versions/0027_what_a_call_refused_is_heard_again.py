"""A webhook that brought many events remembers which of them were refused."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Go forward; of calls of before, all counts as accepted."""
    op.add_column("received_event", sa.Column("refused", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Go back."""
    op.drop_column("received_event", "refused")
