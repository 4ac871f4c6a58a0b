"""Which other article of the site a comment in doubt is closer to."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("assessment") as batch:
        batch.add_column(sa.Column("other_article", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("assessment") as batch:
        batch.drop_column("other_article")
