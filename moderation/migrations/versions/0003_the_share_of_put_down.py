"""How much of a comment is put-down, sentence by sentence."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("assessment") as batch:
        batch.add_column(sa.Column("sentences", sa.JSON(), nullable=False, server_default="[]"))
        batch.add_column(sa.Column("put_down_share", sa.Double(), nullable=True))
        batch.create_check_constraint(op.f("ck_assessment_put_down_share"), "put_down_share BETWEEN 0 AND 1")
    with op.batch_alter_table("assessment") as batch:
        batch.alter_column("sentences", server_default=None)


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("assessment") as batch:
        batch.drop_constraint(op.f("ck_assessment_put_down_share"), type_="check")
        batch.drop_column("put_down_share")
        batch.drop_column("sentences")
