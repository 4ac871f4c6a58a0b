"""Sites may have forms on pages of their own, and may ask browsers to work before they send."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Go forward; no site has forms until its pages are named."""
    with op.batch_alter_table("site") as batch:
        batch.add_column(sa.Column("origins", sa.JSON(), nullable=False, server_default="[]"))
        batch.add_column(sa.Column("forms_need_work", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("site") as batch:
        batch.drop_column("forms_need_work")
        batch.drop_column("origins")
