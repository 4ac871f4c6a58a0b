"""Rules of many kinds in versions."""

import datetime

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

SIGNALS = (
    "relevance",
    "disrespect",
    "put_down",
    "words",
    "links",
    "shouting",
    "length",
    "repeat",
    "new_commenter",
    "record",
    "pattern",
    "learned",
)

RULE = sa.table(
    "house_rule",
    *(sa.column(name) for name in ("id", "site_id", "position", "key", "signal", "threshold", "advice", "archived_at")),
    *(sa.column(name, sa.JSON()) for name in ("title", "text", "kinds", "targets", "when", "sections")),
)
RULE_SET = sa.table(
    "rule_set",
    *(sa.column(name) for name in ("site_id", "version")),
    sa.column("rules", sa.JSON()),
    sa.column("created_at", sa.DateTime(timezone=True)),
)


def _state_the_rules() -> None:
    """Say the old columns in the new words, and keep each site's rules as its first version."""
    connection = op.get_bind()
    versions: dict[int, list[dict[str, object]]] = {}
    for row in connection.execute(sa.select(RULE).order_by(RULE.c.site_id, RULE.c.position)).mappings().all():
        when: dict[str, object] = {"signal": row["signal"]}
        when["at_most" if row["signal"] == "relevance" else "at_least"] = row["threshold"]
        when |= {name: sorted(row[name]) for name in ("kinds", "targets") if row[name]}
        key = f"rule-{row['id']}"
        connection.execute(sa.update(RULE).where(RULE.c.id == row["id"]).values(key=key, when=when, sections=[]))
        stated = {"id": row["id"], "key": key, "title": row["title"], "text": row["text"]}
        versions.setdefault(row["site_id"], []).append(stated | {"when": when, "advice": row["advice"]})
    moment = datetime.datetime.now(datetime.UTC)
    for site_id, rules in versions.items():
        values = {"site_id": site_id, "version": 1, "rules": rules, "created_at": moment}
        connection.execute(sa.insert(RULE_SET).values(**values))


def _say_it_the_old_way() -> None:
    """Put what the old columns can hold back into them; drop the rules they cannot hold from the decisions."""
    connection = op.get_bind()
    decision = sa.table("decision", sa.column("id"), sa.column("rule_id"))
    unknown = sa.or_(RULE.c.signal.not_in(["relevance", "disrespect"]), RULE.c.archived_at.is_not(None))
    gone = sa.select(RULE.c.id).where(unknown)
    connection.execute(sa.update(decision).where(decision.c.rule_id.in_(gone)).values(rule_id=None))
    connection.execute(sa.delete(RULE).where(unknown))
    for row in connection.execute(sa.select(RULE)).mappings().all():
        when = row["when"]
        threshold = when["at_most"] if when.get("at_least") is None else when["at_least"]
        old = {"threshold": threshold, "kinds": when.get("kinds", []), "targets": when.get("targets", [])}
        connection.execute(sa.update(RULE).where(RULE.c.id == row["id"]).values(**old))


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "rule_set",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("moderator_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["moderator_id"], ["moderator.id"], name=op.f("fk_rule_set_moderator_id_moderator")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_rule_set_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_set")),
        sa.UniqueConstraint("site_id", "version", name=op.f("uq_rule_set_site_id_version")),
    )
    op.create_table(
        "fingerprint",
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("piece", sa.BigInteger(), nullable=False),
        sa.Column("comment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["comment_id"], ["comment.id"], name=op.f("fk_fingerprint_comment_id_comment")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_fingerprint_site_id_site")),
        sa.PrimaryKeyConstraint("site_id", "piece", "comment_id", name=op.f("pk_fingerprint")),
    )
    with op.batch_alter_table("fingerprint", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_fingerprint_comment_id"), ["comment_id"], unique=False)

    with op.batch_alter_table("article", schema=None) as batch_op:
        batch_op.add_column(sa.Column("section", sa.String(length=200), nullable=True))

    with op.batch_alter_table("assessment", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("rule_set_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_assessment_rule_set_id_rule_set"), "rule_set", ["rule_set_id"], ["id"]
        )

    with op.batch_alter_table("comment", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_comment_site_id_commenter_email"), ["site_id", "commenter_email"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_comment_site_id_commenter_id"), ["site_id", "commenter_id"], unique=False)

    with op.batch_alter_table("house_rule", schema=None) as batch_op:
        batch_op.add_column(sa.Column("key", sa.String(length=60), nullable=True))
        batch_op.add_column(sa.Column("when", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("hours", sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(sa.Column("sections", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True))
    _state_the_rules()
    with op.batch_alter_table("house_rule", schema=None) as batch_op:
        batch_op.alter_column("key", existing_type=sa.String(length=60), nullable=False)
        batch_op.alter_column("when", existing_type=sa.JSON(), nullable=False)
        batch_op.alter_column("sections", existing_type=sa.JSON(), nullable=False)
        batch_op.drop_constraint(batch_op.f("uq_house_rule_site_id_position"), type_="unique")
        batch_op.create_index(batch_op.f("ix_house_rule_site_id_position"), ["site_id", "position"], unique=False)
        batch_op.create_unique_constraint(batch_op.f("uq_house_rule_site_id_key"), ["site_id", "key"])
        batch_op.drop_constraint(batch_op.f("ck_house_rule_signal"), type_="check")
        batch_op.create_check_constraint(batch_op.f("ck_house_rule_signal"), sa.column("signal").in_(SIGNALS))
        batch_op.drop_constraint(batch_op.f("ck_house_rule_threshold"), type_="check")
        batch_op.drop_column("threshold")
        batch_op.drop_column("kinds")
        batch_op.drop_column("targets")

    with op.batch_alter_table("site", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("time_zone", sa.String(length=60), nullable=False, server_default="Europe/Berlin")
        )


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("site", schema=None) as batch_op:
        batch_op.drop_column("time_zone")

    with op.batch_alter_table("house_rule", schema=None) as batch_op:
        batch_op.add_column(sa.Column("targets", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("kinds", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("threshold", sa.Double(), nullable=True))
    _say_it_the_old_way()
    with op.batch_alter_table("house_rule", schema=None) as batch_op:
        for name, kind in (("targets", sa.JSON()), ("kinds", sa.JSON()), ("threshold", sa.Double())):
            batch_op.alter_column(name, existing_type=kind, nullable=False)
        batch_op.create_check_constraint(batch_op.f("ck_house_rule_threshold"), sa.text("threshold BETWEEN 0 AND 1"))
        batch_op.drop_constraint(batch_op.f("ck_house_rule_signal"), type_="check")
        batch_op.create_check_constraint(
            batch_op.f("ck_house_rule_signal"), sa.column("signal").in_(("relevance", "disrespect"))
        )
        batch_op.drop_constraint(batch_op.f("uq_house_rule_site_id_key"), type_="unique")
        batch_op.drop_index(batch_op.f("ix_house_rule_site_id_position"))
        batch_op.create_unique_constraint(batch_op.f("uq_house_rule_site_id_position"), ["site_id", "position"])
        for name in ("archived_at", "sections", "hours", "when", "key"):
            batch_op.drop_column(name)

    with op.batch_alter_table("comment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_comment_site_id_commenter_id"))
        batch_op.drop_index(batch_op.f("ix_comment_site_id_commenter_email"))

    with op.batch_alter_table("assessment", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_assessment_rule_set_id_rule_set"), type_="foreignkey")
        batch_op.drop_column("rule_set_id")

    with op.batch_alter_table("article", schema=None) as batch_op:
        batch_op.drop_column("section")

    with op.batch_alter_table("fingerprint", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_fingerprint_comment_id"))

    op.drop_table("fingerprint")
    op.drop_table("rule_set")
