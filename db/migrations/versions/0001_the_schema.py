"""The schema."""

import sqlalchemy as sa
from alembic import op

import db.tables.base

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "deployment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), server_default="1", nullable=False),
        sa.Column("paused_at", db.tables.base.Moment(timezone=True), nullable=True),
        sa.Column("paused_why", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployment")),
    )
    op.create_table(
        "process",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("source_lang", sa.String(), nullable=False),
        sa.Column("address_base", sa.String(), nullable=False),
        sa.Column("postal", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("last_seq", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_ref", sa.Integer(), server_default="0", nullable=False),
        sa.Column("baseline_seq", sa.Integer(), server_default="0", nullable=False),
        sa.Column("restored_at", db.tables.base.Moment(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_process")),
        sa.UniqueConstraint("address_base", name=op.f("uq_process_address_base")),
        sa.UniqueConstraint("slug", name=op.f("uq_process_slug")),
    )
    op.create_table(
        "seal",
        sa.Column("no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", db.tables.base.Moment(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("prev_hash", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_seal")),
    )
    op.create_table(
        "worker",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("started_at", db.tables.base.Moment(timezone=True), nullable=False),
        sa.Column("seen_at", db.tables.base.Moment(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_worker")),
    )
    op.create_table(
        "announcement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("landing", sa.String(), nullable=False),
        sa.Column("send_wall", sa.String(), nullable=True),
        sa.Column("zone", sa.String(), nullable=True),
        sa.Column("audience", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("fold", sa.Boolean(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("repeat", sa.String(), nullable=False),
        sa.Column("expires_at", db.tables.base.Moment(timezone=True), nullable=True),
        sa.Column("written_by", sa.String(), nullable=False),
        sa.Column("reviewed_by", sa.String(), nullable=True),
        sa.Column("undo_minutes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", db.tables.base.Moment(timezone=True), nullable=False),
        sa.Column("corrects_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["corrects_id"], ["announcement.id"], name=op.f("fk_announcement_corrects_id")),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], name=op.f("fk_announcement_process_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_announcement")),
        sa.UniqueConstraint("process_id", "id", name=op.f("uq_announcement_process_id_id")),
        sa.UniqueConstraint("process_id", "slug", name=op.f("uq_announcement_process_id_slug")),
    )
    op.create_table(
        "digest",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("list_id", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("anchor_on", sa.Date(), nullable=False),
        sa.Column("approval", sa.String(), nullable=False),
        sa.Column("grace_minutes", sa.Integer(), nullable=False),
        sa.Column("undo_minutes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("late_limit_minutes", sa.Integer(), nullable=False),
        sa.Column("audience", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("ticked_until", db.tables.base.Moment(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], name=op.f("fk_digest_process_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digest")),
        sa.UniqueConstraint("list_id", name=op.f("uq_digest_list_id")),
        sa.UniqueConstraint("process_id", "slug", name=op.f("uq_digest_process_id_slug")),
    )
    op.create_table(
        "entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("facts", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("changed_seq", sa.Integer(), nullable=False),
        sa.Column("hopped", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], name=op.f("fk_entry_process_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry")),
        sa.UniqueConstraint("process_id", "id", name=op.f("uq_entry_process_id_id")),
        sa.UniqueConstraint("process_id", "slug", name=op.f("uq_entry_process_id_slug")),
    )
    op.create_table(
        "erasure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("liaison_id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("asked_at", db.tables.base.Moment(timezone=True), nullable=False),
        sa.Column("done_at", db.tables.base.Moment(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], name=op.f("fk_erasure_process_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
    )
    op.create_table(
        "event",
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", db.tables.base.Moment(timezone=True), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("changes", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("after", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("about_liaison_id", sa.Integer(), nullable=True),
        sa.Column("clock_key", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], name=op.f("fk_event_process_id")),
        sa.PrimaryKeyConstraint("process_id", "seq", name=op.f("pk_event")),
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_event_about_liaison_id"), ["about_liaison_id"], unique=False)
        batch_op.create_index("ix_event_subject", ["process_id", "subject_kind", "subject_id", "seq"], unique=False)
        batch_op.create_index(
            "uq_event_clock",
            ["process_id", "subject_kind", "subject_id", "kind", "clock_key"],
            unique=True,
            sqlite_where=sa.text("clock_key IS NOT NULL"),
            postgresql_where=sa.text("clock_key IS NOT NULL"),
        )

    op.create_table(
        "fallback",
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("lang", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("to_lang", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], name=op.f("fk_fallback_process_id")),
        sa.PrimaryKeyConstraint("process_id", "lang", "position", name=op.f("pk_fallback")),
    )
    op.create_table(
        "journal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=True),
        sa.Column("at", db.tables.base.Moment(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("move_from", sa.String(), nullable=True),
        sa.Column("move_to", sa.String(), nullable=True),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("private_hash", sa.String(), nullable=True),
        sa.Column("seal_no", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], name=op.f("fk_journal_process_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal")),
    )
    with op.batch_alter_table("journal", schema=None) as batch_op:
        batch_op.create_index("ix_journal_subject", ["subject_kind", "subject_id"], unique=False)
        batch_op.create_index(
            "ix_journal_unsealed",
            ["id"],
            unique=False,
            sqlite_where=sa.text("seal_no IS NULL"),
            postgresql_where=sa.text("seal_no IS NULL"),
        )

    op.create_table(
        "liaison",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("tag", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("languages", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("waits", sa.Boolean(), nullable=False),
        sa.Column("paused_until", sa.Date(), nullable=True),
        sa.Column("quiet", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("left_at", db.tables.base.Moment(timezone=True), nullable=True),
        sa.Column("forgotten_at", db.tables.base.Moment(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('person', 'shared')", name=op.f("ck_liaison_kind")),
        sa.CheckConstraint("hour BETWEEN 0 AND 23", name=op.f("ck_liaison_hour")),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], name=op.f("fk_liaison_process_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_liaison")),
        sa.UniqueConstraint("process_id", "id", name=op.f("uq_liaison_process_id_id")),
        sa.UniqueConstraint("process_id", "tag", name=op.f("uq_liaison_process_id_tag")),
    )
    op.create_table(
        "raw_message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=True),
        sa.Column("received_at", db.tables.base.Moment(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("reader", sa.String(), nullable=True),
        sa.Column("fingerprint", sa.String(), nullable=True),
        sa.Column("verdict", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("touched_by", sa.String(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("look_at", db.tables.base.Moment(timezone=True), nullable=True),
        sa.Column("purge_at", db.tables.base.Moment(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], name=op.f("fk_raw_message_process_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_raw_message")),
    )
    with op.batch_alter_table("raw_message", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_raw_message_fingerprint"), ["fingerprint"], unique=False)
        batch_op.create_index("ix_raw_message_look", ["state", "look_at"], unique=False)
        batch_op.create_index("ix_raw_message_state", ["state", "id"], unique=False)

    op.create_table(
        "roster_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("tag", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("short", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("languages", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("city", sa.String(), nullable=False),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.Column("lon", sa.Float(), nullable=True),
        sa.Column("coord_basis", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=True),
        sa.Column("facts", sa.JSON(none_as_null=True), nullable=False),
        sa.CheckConstraint("(lat IS NULL) = (lon IS NULL)", name=op.f("ck_roster_group_place")),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], name=op.f("fk_roster_group_process_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_group")),
        sa.UniqueConstraint("process_id", "id", name=op.f("uq_roster_group_process_id_id")),
        sa.UniqueConstraint("process_id", "slug", name=op.f("uq_roster_group_process_id_slug")),
        sa.UniqueConstraint("process_id", "tag", name=op.f("uq_roster_group_process_id_tag")),
    )
    op.create_table(
        "setting",
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], name=op.f("fk_setting_process_id")),
        sa.PrimaryKeyConstraint("process_id", "name", name=op.f("pk_setting")),
    )
    op.create_table(
        "suppression",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("key_hash", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("since", db.tables.base.Moment(timezone=True), nullable=False),
        sa.Column("lifted_at", db.tables.base.Moment(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], name=op.f("fk_suppression_process_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppression")),
    )
    with op.batch_alter_table("suppression", schema=None) as batch_op:
        batch_op.create_index(
            "uq_suppression_once",
            ["process_id", "key_hash"],
            unique=True,
            sqlite_where=sa.text("lifted_at IS NULL"),
            postgresql_where=sa.text("lifted_at IS NULL"),
        )

    op.create_table(
        "task",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", db.tables.base.Moment(timezone=True), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("done_by", sa.String(), nullable=True),
        sa.Column("done_at", db.tables.base.Moment(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], name=op.f("fk_task_process_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
    )
    op.create_table(
        "text",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("owner_kind", sa.String(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("source_lang", sa.String(), nullable=False),
        sa.Column("fresh_from", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], name=op.f("fk_text_process_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text")),
        sa.UniqueConstraint(
            "process_id",
            "owner_kind",
            "owner_id",
            "field",
            name=op.f("uq_text_process_id_owner_kind_owner_id_field"),
        ),
    )
    op.create_table(
        "track",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("for_all", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], name=op.f("fk_track_process_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_track")),
        sa.UniqueConstraint("process_id", "code", name=op.f("uq_track_process_id_code")),
        sa.UniqueConstraint("process_id", "id", name=op.f("uq_track_process_id_id")),
        sa.UniqueConstraint("process_id", "slug", name=op.f("uq_track_process_id_slug")),
    )
    op.create_table(
        "address",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("liaison_id", sa.Integer(), nullable=False),
        sa.Column("addr", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("hint_key", sa.String(), nullable=False),
        sa.Column("ascii_alt", sa.String(), nullable=True),
        sa.Column("verified_at", db.tables.base.Moment(timezone=True), nullable=True),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        sa.Column("retired_at", db.tables.base.Moment(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["process_id", "liaison_id"],
            ["liaison.process_id", "liaison.id"],
            name=op.f("fk_address_process_id_liaison_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address")),
        sa.UniqueConstraint("process_id", "id", name=op.f("uq_address_process_id_id")),
    )
    with op.batch_alter_table("address", schema=None) as batch_op:
        batch_op.create_index("ix_address_hint", ["process_id", "hint_key"], unique=False)
        batch_op.create_index(
            "uq_address_once",
            ["process_id", "key"],
            unique=True,
            sqlite_where=sa.text("retired_at IS NULL"),
            postgresql_where=sa.text("retired_at IS NULL"),
        )
        batch_op.create_index(
            "uq_address_primary",
            ["liaison_id"],
            unique=True,
            sqlite_where=sa.text("is_primary AND retired_at IS NULL"),
            postgresql_where=sa.text("is_primary AND retired_at IS NULL"),
        )

    op.create_table(
        "consent",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("liaison_id", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("wording", sa.String(), nullable=False),
        sa.Column("at", db.tables.base.Moment(timezone=True), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["liaison_id"], ["liaison.id"], name=op.f("fk_consent_liaison_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    with op.batch_alter_table("consent", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_consent_liaison_id"), ["liaison_id"], unique=False)

    op.create_table(
        "contact",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("track_id", sa.Integer(), nullable=True),
        sa.Column("lang", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], name=op.f("fk_contact_process_id")),
        sa.ForeignKeyConstraint(["track_id"], ["track.id"], name=op.f("fk_contact_track_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
        sa.UniqueConstraint("process_id", "position", name=op.f("uq_contact_process_id_position")),
    )
    op.create_table(
        "edition",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest_id", sa.Integer(), nullable=False),
        sa.Column("slot_wall", sa.String(), nullable=False),
        sa.Column("slot_at", db.tables.base.Moment(timezone=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=True),
        sa.Column("drafted_at", db.tables.base.Moment(timezone=True), nullable=False),
        sa.Column("frozen_at", db.tables.base.Moment(timezone=True), nullable=True),
        sa.Column("choices", sa.JSON(none_as_null=True), nullable=False),
        sa.CheckConstraint("state NOT IN ('approved', 'mailed') OR seq IS NOT NULL", name=op.f("ck_edition_frozen")),
        sa.ForeignKeyConstraint(["digest_id"], ["digest.id"], name=op.f("fk_edition_digest_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_edition")),
        sa.UniqueConstraint("digest_id", "number", name=op.f("uq_edition_digest_id_number")),
        sa.UniqueConstraint("digest_id", "slot_wall", name=op.f("uq_edition_digest_id_slot_wall")),
    )
    with op.batch_alter_table("edition", schema=None) as batch_op:
        batch_op.create_index(
            "uq_edition_draft",
            ["digest_id"],
            unique=True,
            sqlite_where=sa.text("state = 'draft'"),
            postgresql_where=sa.text("state = 'draft'"),
        )

    op.create_table(
        "entry_track",
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("track_id", sa.Integer(), nullable=False),
        sa.Column("main", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["process_id", "entry_id"],
            ["entry.process_id", "entry.id"],
            name=op.f("fk_entry_track_process_id_entry_id"),
        ),
        sa.ForeignKeyConstraint(
            ["process_id", "track_id"],
            ["track.process_id", "track.id"],
            name=op.f("fk_entry_track_process_id_track_id"),
        ),
        sa.PrimaryKeyConstraint("entry_id", "track_id", name=op.f("pk_entry_track")),
    )
    with op.batch_alter_table("entry_track", schema=None) as batch_op:
        batch_op.create_index(
            "uq_entry_track_main",
            ["entry_id"],
            unique=True,
            sqlite_where=sa.text("main"),
            postgresql_where=sa.text("main"),
        )

    op.create_table(
        "journal_private",
        sa.Column("journal_id", sa.Integer(), nullable=False),
        sa.Column("liaison_id", sa.Integer(), nullable=True),
        sa.Column("salt", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["journal_id"], ["journal.id"], name=op.f("fk_journal_private_journal_id")),
        sa.PrimaryKeyConstraint("journal_id", name=op.f("pk_journal_private")),
    )
    with op.batch_alter_table("journal_private", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_journal_private_liaison_id"), ["liaison_id"], unique=False)

    op.create_table(
        "mandate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("liaison_id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("rank", sa.String(), nullable=False),
        sa.Column("role_there", sa.String(), nullable=False),
        sa.Column("agreed_on", sa.Date(), nullable=True),
        sa.Column("from_on", sa.Date(), nullable=True),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.CheckConstraint("rank IN ('first', 'deputy')", name=op.f("ck_mandate_rank")),
        sa.ForeignKeyConstraint(
            ["process_id", "group_id"],
            ["roster_group.process_id", "roster_group.id"],
            name=op.f("fk_mandate_process_id_group_id"),
        ),
        sa.ForeignKeyConstraint(
            ["process_id", "liaison_id"],
            ["liaison.process_id", "liaison.id"],
            name=op.f("fk_mandate_process_id_liaison_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mandate")),
    )
    with op.batch_alter_table("mandate", schema=None) as batch_op:
        batch_op.create_index(
            "uq_mandate_first",
            ["group_id"],
            unique=True,
            sqlite_where=sa.text("until_on IS NULL AND rank = 'first'"),
            postgresql_where=sa.text("until_on IS NULL AND rank = 'first'"),
        )
        batch_op.create_index(
            "uq_mandate_once",
            ["liaison_id", "group_id"],
            unique=True,
            sqlite_where=sa.text("until_on IS NULL"),
            postgresql_where=sa.text("until_on IS NULL"),
        )

    op.create_table(
        "question",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("track_id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["process_id", "entry_id"],
            ["entry.process_id", "entry.id"],
            name=op.f("fk_question_process_id_entry_id"),
        ),
        sa.ForeignKeyConstraint(
            ["process_id", "track_id"],
            ["track.process_id", "track.id"],
            name=op.f("fk_question_process_id_track_id"),
        ),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], name=op.f("fk_question_process_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question")),
        sa.UniqueConstraint("process_id", "code", name=op.f("uq_question_process_id_code")),
        sa.UniqueConstraint("process_id", "id", name=op.f("uq_question_process_id_id")),
    )
    op.create_table(
        "raw_body",
        sa.Column("raw_id", sa.Integer(), nullable=False),
        sa.Column("envelope", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("bytes", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["raw_id"], ["raw_message.id"], name=op.f("fk_raw_body_raw_id")),
        sa.PrimaryKeyConstraint("raw_id", name=op.f("pk_raw_body")),
    )
    op.create_table(
        "subscription",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest_id", sa.Integer(), nullable=False),
        sa.Column("liaison_id", sa.Integer(), nullable=False),
        sa.Column("tag", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("cadence", sa.String(), nullable=False),
        sa.Column("size", sa.String(), nullable=False),
        sa.Column("cursor", sa.Integer(), nullable=True),
        sa.Column("turn", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("size IN ('S', 'M', 'L')", name=op.f("ck_subscription_size")),
        sa.ForeignKeyConstraint(["digest_id"], ["digest.id"], name=op.f("fk_subscription_digest_id")),
        sa.ForeignKeyConstraint(["liaison_id"], ["liaison.id"], name=op.f("fk_subscription_liaison_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription")),
        sa.UniqueConstraint("digest_id", "liaison_id", name=op.f("uq_subscription_digest_id_liaison_id")),
        sa.UniqueConstraint("tag", name=op.f("uq_subscription_tag")),
    )
    with op.batch_alter_table("subscription", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_subscription_liaison_id"), ["liaison_id"], unique=False)

    op.create_table(
        "text_version",
        sa.Column("text_id", sa.Integer(), nullable=False),
        sa.Column("lang", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("of_revision", sa.Integer(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", db.tables.base.Moment(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["text_id"], ["text.id"], name=op.f("fk_text_version_text_id")),
        sa.PrimaryKeyConstraint("text_id", "lang", "revision", name=op.f("pk_text_version")),
    )
    op.create_table(
        "bounce_score",
        sa.Column("address_id", sa.Integer(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("at", db.tables.base.Moment(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["address_id"], ["address.id"], name=op.f("fk_bounce_score_address_id")),
        sa.PrimaryKeyConstraint("address_id", name=op.f("pk_bounce_score")),
    )
    op.create_table(
        "interest",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subscription_id", sa.Integer(), nullable=False),
        sa.Column("track_id", sa.Integer(), nullable=True),
        sa.Column("since_seq", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscription.id"], name=op.f("fk_interest_subscription_id")),
        sa.ForeignKeyConstraint(["track_id"], ["track.id"], name=op.f("fk_interest_track_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interest")),
    )
    with op.batch_alter_table("interest", schema=None) as batch_op:
        batch_op.create_index(
            "uq_interest_once",
            ["subscription_id", "track_id"],
            unique=True,
            sqlite_where=sa.text("track_id IS NOT NULL"),
            postgresql_where=sa.text("track_id IS NOT NULL"),
        )
        batch_op.create_index(
            "uq_interest_only",
            ["subscription_id"],
            unique=True,
            sqlite_where=sa.text("track_id IS NULL"),
            postgresql_where=sa.text("track_id IS NULL"),
        )

    op.create_table(
        "mailing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("natural_key", sa.String(), nullable=False),
        sa.Column("tag", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("digest_id", sa.Integer(), nullable=True),
        sa.Column("edition_id", sa.Integer(), nullable=True),
        sa.Column("announcement_id", sa.Integer(), nullable=True),
        sa.Column("corrects_id", sa.Integer(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("lane", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", db.tables.base.Moment(timezone=True), nullable=False),
        sa.Column("ready_at", db.tables.base.Moment(timezone=True), nullable=True),
        sa.Column("due_at", db.tables.base.Moment(timezone=True), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("set_hash", sa.String(), nullable=True),
        sa.Column("paused_why", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["announcement_id"], ["announcement.id"], name=op.f("fk_mailing_announcement_id")),
        sa.ForeignKeyConstraint(["corrects_id"], ["mailing.id"], name=op.f("fk_mailing_corrects_id")),
        sa.ForeignKeyConstraint(["digest_id"], ["digest.id"], name=op.f("fk_mailing_digest_id")),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_mailing_edition_id")),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], name=op.f("fk_mailing_process_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailing")),
        sa.UniqueConstraint("edition_id", name=op.f("uq_mailing_edition_id")),
        sa.UniqueConstraint("process_id", "natural_key", name=op.f("uq_mailing_process_id_natural_key")),
        sa.UniqueConstraint("tag", name=op.f("uq_mailing_tag")),
    )
    op.create_table(
        "input",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("raw_id", sa.Integer(), nullable=True),
        sa.Column("liaison_id", sa.Integer(), nullable=True),
        sa.Column("group_id", sa.Integer(), nullable=True),
        sa.Column("mailing_id", sa.Integer(), nullable=True),
        sa.Column("voice", sa.String(), nullable=False),
        sa.Column("context", sa.String(), nullable=False),
        sa.Column("writer", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("visibility", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("received_at", db.tables.base.Moment(timezone=True), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=True),
        sa.Column("segments", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("corrects_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["corrects_id"], ["input.id"], name=op.f("fk_input_corrects_id")),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailing.id"], name=op.f("fk_input_mailing_id")),
        sa.ForeignKeyConstraint(
            ["process_id", "group_id"],
            ["roster_group.process_id", "roster_group.id"],
            name=op.f("fk_input_process_id_group_id"),
        ),
        sa.ForeignKeyConstraint(
            ["process_id", "liaison_id"],
            ["liaison.process_id", "liaison.id"],
            name=op.f("fk_input_process_id_liaison_id"),
        ),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], name=op.f("fk_input_process_id")),
        sa.ForeignKeyConstraint(["raw_id"], ["raw_message.id"], name=op.f("fk_input_raw_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_input")),
        sa.UniqueConstraint("process_id", "id", name=op.f("uq_input_process_id_id")),
        sa.UniqueConstraint("raw_id", name=op.f("uq_input_raw_id")),
    )
    op.create_table(
        "item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mailing_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("number BETWEEN 1 AND 1023", name=op.f("ck_item_number")),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailing.id"], name=op.f("fk_item_mailing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item")),
        sa.UniqueConstraint("mailing_id", "number", name=op.f("uq_item_mailing_id_number")),
        sa.UniqueConstraint(
            "mailing_id",
            "subject_kind",
            "subject_id",
            name=op.f("uq_item_mailing_id_subject_kind_subject_id"),
        ),
    )
    op.create_table(
        "language_gate",
        sa.Column("mailing_id", sa.Integer(), nullable=False),
        sa.Column("lang", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("cut_off_at", db.tables.base.Moment(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailing.id"], name=op.f("fk_language_gate_mailing_id")),
        sa.PrimaryKeyConstraint("mailing_id", "lang", name=op.f("pk_language_gate")),
    )
    op.create_table(
        "left_out",
        sa.Column("mailing_id", sa.Integer(), nullable=False),
        sa.Column("liaison_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["liaison_id"], ["liaison.id"], name=op.f("fk_left_out_liaison_id")),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailing.id"], name=op.f("fk_left_out_mailing_id")),
        sa.PrimaryKeyConstraint("mailing_id", "liaison_id", name=op.f("pk_left_out")),
    )
    op.create_table(
        "news_set",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mailing_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailing.id"], name=op.f("fk_news_set_mailing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_news_set")),
        sa.UniqueConstraint("mailing_id", "key", name=op.f("uq_news_set_mailing_id_key")),
    )
    op.create_table(
        "attachment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("input_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["input_id"], ["input.id"], name=op.f("fk_attachment_input_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
    )
    with op.batch_alter_table("attachment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attachment_input_id"), ["input_id"], unique=False)

    op.create_table(
        "news_item",
        sa.Column("news_set_id", sa.Integer(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("was_seq", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["news_set_id"], ["news_set.id"], name=op.f("fk_news_item_news_set_id")),
        sa.PrimaryKeyConstraint("news_set_id", "subject_kind", "subject_id", name=op.f("pk_news_item")),
    )
    op.create_table(
        "statement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("input_id", sa.Integer(), nullable=False),
        sa.Column("anchor_kind", sa.String(), nullable=False),
        sa.Column("anchor_id", sa.Integer(), nullable=True),
        sa.Column("suggested", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("track_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("merged_into", sa.Integer(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["merged_into"], ["statement.id"], name=op.f("fk_statement_merged_into")),
        sa.ForeignKeyConstraint(
            ["process_id", "input_id"],
            ["input.process_id", "input.id"],
            name=op.f("fk_statement_process_id_input_id"),
        ),
        sa.ForeignKeyConstraint(
            ["process_id", "track_id"],
            ["track.process_id", "track.id"],
            name=op.f("fk_statement_process_id_track_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statement")),
        sa.UniqueConstraint("process_id", "id", name=op.f("uq_statement_process_id_id")),
        sa.UniqueConstraint("process_id", "number", "part", name=op.f("uq_statement_process_id_number_part")),
    )
    with op.batch_alter_table("statement", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_statement_input_id"), ["input_id"], unique=False)

    op.create_table(
        "variant",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mailing_id", sa.Integer(), nullable=False),
        sa.Column("news_set_id", sa.Integer(), nullable=True),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("languages", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("size", sa.String(), nullable=False),
        sa.Column("still_open", sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailing.id"], name=op.f("fk_variant_mailing_id")),
        sa.ForeignKeyConstraint(["news_set_id"], ["news_set.id"], name=op.f("fk_variant_news_set_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_variant")),
        sa.UniqueConstraint("mailing_id", "key", name=op.f("uq_variant_mailing_id_key")),
    )
    with op.batch_alter_table("variant", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_variant_mailing_id"), ["mailing_id"], unique=False)

    op.create_table(
        "delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mailing_id", sa.Integer(), nullable=False),
        sa.Column("liaison_id", sa.Integer(), nullable=True),
        sa.Column("subscription_id", sa.Integer(), nullable=True),
        sa.Column("address_id", sa.Integer(), nullable=True),
        sa.Column("to_addr", sa.String(), nullable=True),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("variant_id", sa.Integer(), nullable=True),
        sa.Column("lang", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("send_at", db.tables.base.Moment(timezone=True), nullable=False),
        sa.Column("not_after", db.tables.base.Moment(timezone=True), nullable=False),
        sa.Column("dated_at", db.tables.base.Moment(timezone=True), nullable=True),
        sa.Column("lease_by", sa.String(), nullable=True),
        sa.Column("lease_until", db.tables.base.Moment(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", db.tables.base.Moment(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["address_id"], ["address.id"], name=op.f("fk_delivery_address_id")),
        sa.ForeignKeyConstraint(["liaison_id"], ["liaison.id"], name=op.f("fk_delivery_liaison_id")),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailing.id"], name=op.f("fk_delivery_mailing_id")),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscription.id"], name=op.f("fk_delivery_subscription_id")),
        sa.ForeignKeyConstraint(["variant_id"], ["variant.id"], name=op.f("fk_delivery_variant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
    )
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.create_index("ix_delivery_claim", ["state", "send_at"], unique=False)
        batch_op.create_index("ix_delivery_due", ["mailing_id", "state", "send_at", "variant_id"], unique=False)
        batch_op.create_index("ix_delivery_liaison", ["liaison_id"], unique=False)
        batch_op.create_index("ix_delivery_subscription", ["subscription_id", "state"], unique=False)
        batch_op.create_index(
            "uq_delivery_once",
            ["mailing_id", "liaison_id"],
            unique=True,
            sqlite_where=sa.text("liaison_id IS NOT NULL"),
            postgresql_where=sa.text("liaison_id IS NOT NULL"),
        )
        batch_op.create_index(
            "uq_delivery_only",
            ["mailing_id"],
            unique=True,
            sqlite_where=sa.text("liaison_id IS NULL"),
            postgresql_where=sa.text("liaison_id IS NULL"),
        )

    op.create_table(
        "statement_link",
        sa.Column("from_id", sa.Integer(), nullable=False),
        sa.Column("to_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.CheckConstraint("from_id <> to_id", name=op.f("ck_statement_link_not_itself")),
        sa.ForeignKeyConstraint(["from_id"], ["statement.id"], name=op.f("fk_statement_link_from_id")),
        sa.ForeignKeyConstraint(["to_id"], ["statement.id"], name=op.f("fk_statement_link_to_id")),
        sa.PrimaryKeyConstraint("from_id", "to_id", "kind", name=op.f("pk_statement_link")),
    )
    op.create_table(
        "statement_text",
        sa.Column("statement_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", sa.String(), nullable=True),
        sa.Column("masked", sa.String(), nullable=True),
        sa.Column("quote", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", db.tables.base.Moment(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["statement_id"], ["statement.id"], name=op.f("fk_statement_text_statement_id")),
        sa.PrimaryKeyConstraint("statement_id", "revision", name=op.f("pk_statement_text")),
    )
    op.create_table(
        "variant_body",
        sa.Column("variant_id", sa.Integer(), nullable=False),
        sa.Column("body", sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(["variant_id"], ["variant.id"], name=op.f("fk_variant_body_variant_id")),
        sa.PrimaryKeyConstraint("variant_id", name=op.f("pk_variant_body")),
    )
    op.create_table(
        "attempt",
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("started_at", db.tables.base.Moment(timezone=True), nullable=False),
        sa.Column("ended_at", db.tables.base.Moment(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("enhanced", sa.String(), nullable=True),
        sa.Column("reply", sa.String(), nullable=True),
        sa.Column("sent_hash", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_attempt_delivery_id")),
        sa.PrimaryKeyConstraint("delivery_id", "n", name=op.f("pk_attempt")),
    )
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.create_index(
            "uq_attempt_accepted",
            ["delivery_id"],
            unique=True,
            sqlite_where=sa.text("outcome = 'accepted'"),
            postgresql_where=sa.text("outcome = 'accepted'"),
        )

    op.create_table(
        "delivery_personal",
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("body", sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_delivery_personal_delivery_id")),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_delivery_personal")),
    )
    op.create_table(
        "delivery_told",
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_delivery_told_delivery_id")),
        sa.PrimaryKeyConstraint("delivery_id", "subject_kind", "subject_id", name=op.f("pk_delivery_told")),
    )
    _search()


def _search() -> None:
    """The full-text index over public statements: FTS5 on SQLite, a tsvector on PostgreSQL (see db/search.py)."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("CREATE VIRTUAL TABLE statement_search USING fts5(words, tokenize='unicode61 remove_diacritics 2')")
    else:
        op.execute("CREATE TABLE statement_search (statement_id integer PRIMARY KEY, words tsvector NOT NULL)")
        op.execute("CREATE INDEX ix_statement_search ON statement_search USING gin (words)")
