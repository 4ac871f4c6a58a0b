"""What judged may be two engines, whose names and versions need more room."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("assessment") as batch:
        batch.alter_column("engine", existing_type=sa.String(80), type_=sa.String(255), existing_nullable=False)


def downgrade() -> None:
    """Go back; of longer names the beginning is kept."""
    op.execute("UPDATE assessment SET engine = substr(engine, 1, 80)")
    with op.batch_alter_table("assessment") as batch:
        batch.alter_column("engine", existing_type=sa.String(255), type_=sa.String(80), existing_nullable=False)
