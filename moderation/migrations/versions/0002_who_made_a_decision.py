"""A decision may be made by a rule, or by the site before its comments came here."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_MAKER = sa.Enum("moderator", "rule", "site", name="maker", native_enum=False, create_constraint=True, length=20)


def upgrade() -> None:
    """Go forward; all that was decided so far was decided by moderators."""
    with op.batch_alter_table("decision") as table:
        table.add_column(sa.Column("maker", _MAKER, nullable=False, server_default="moderator"))
        table.alter_column("moderator_id", existing_type=sa.BigInteger(), nullable=True)
        table.create_check_constraint("moderator", "(maker = 'moderator') = (moderator_id IS NOT NULL)")
    with op.batch_alter_table("decision") as table:
        table.alter_column("maker", existing_type=_MAKER, server_default=None)


def downgrade() -> None:
    """Go back; what no moderator decided cannot be kept."""
    op.execute("DELETE FROM delivery WHERE decision_id IN (SELECT id FROM decision WHERE moderator_id IS NULL)")
    op.execute("DELETE FROM decision WHERE moderator_id IS NULL")
    with op.batch_alter_table("decision") as table:
        table.drop_constraint(op.f("ck_decision_moderator"), type_="check")
        table.drop_constraint(op.f("ck_decision_maker"), type_="check")
        table.drop_column("maker")
        table.alter_column("moderator_id", existing_type=sa.BigInteger(), nullable=False)
