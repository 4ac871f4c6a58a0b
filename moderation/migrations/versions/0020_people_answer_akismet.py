"""People may decide on what Akismet's clients ask; the verdict goes to their callback."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("site") as batch:
        batch.add_column(sa.Column("akismet_asks", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "akismet_question",
        sa.Column("comment_id", NUMBER, nullable=False),
        sa.Column("guid", sa.String(64), nullable=False),
        sa.Column("callback_url", sa.String(2000), nullable=False),
        sa.Column("key", sa.String(12), nullable=False),
        sa.Column("about", sa.JSON(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["comment_id"], ["comment.id"], name=op.f("fk_akismet_question_comment_id_comment")),
        sa.PrimaryKeyConstraint("comment_id", name=op.f("pk_akismet_question")),
        sa.UniqueConstraint("guid", name=op.f("uq_akismet_question_guid")),
    )


def downgrade() -> None:
    """Go back; questions that are open are not answered any more."""
    op.drop_table("akismet_question")
    with op.batch_alter_table("site") as batch:
        batch.drop_column("akismet_asks")
