"""Tokens have a scope and a name."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Go forward; tokens that are there may go on deciding, and no more."""
    with op.batch_alter_table("site_key") as batch:
        batch.add_column(sa.Column("scope", sa.String(20), nullable=True))
        batch.add_column(sa.Column("name", sa.String(80), nullable=False, server_default=""))
    key = sa.table("site_key", sa.column("kind"), sa.column("scope"))
    op.execute(sa.update(key).where(key.c.kind == "token").values(scope="decide"))
    with op.batch_alter_table("site_key") as batch:
        batch.create_check_constraint(op.f("ck_site_key_scope"), "scope IN ('read', 'decide', 'manage')")
        batch.create_check_constraint(op.f("ck_site_key_scope_of_tokens"), "(kind = 'token') = (scope IS NOT NULL)")


def downgrade() -> None:
    """Go back; what a token may not do is forgotten."""
    with op.batch_alter_table("site_key") as batch:
        batch.drop_constraint(op.f("ck_site_key_scope"), type_="check")
        batch.drop_constraint(op.f("ck_site_key_scope_of_tokens"), type_="check")
        batch.drop_column("scope")
        batch.drop_column("name")
