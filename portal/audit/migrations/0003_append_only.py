"""What the database itself keeps: nothing of the audit is changed, only retention removes, every event is queued."""

from django.db import migrations

FORWARD = """
DROP TRIGGER audit_event_is_append_only ON audit_event;
DROP FUNCTION audit_event_refuse();

-- DELETE is for retention alone: behind a checkpoint that stands, of months that are old enough.
CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    kept bigint;
BEGIN
    IF TG_OP = 'DELETE' AND TG_TABLE_NAME <> 'audit_checkpoint' THEN
        SELECT seq INTO kept FROM audit_checkpoint
            WHERE id = nullif(current_setting('paddock.audit_prune', true), '')::bigint
                AND cutoff <= now() - interval '13 months';
        IF TG_TABLE_NAME = 'audit_event' THEN
            IF EXISTS (SELECT FROM audit_link WHERE event_id = OLD.id AND seq <= kept) THEN
                RETURN OLD;
            END IF;
        ELSIF OLD.seq <= kept THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP;
END $$;

CREATE FUNCTION audit_event_queue() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO audit_unsealed (event_id) VALUES (NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER audit_event_queued AFTER INSERT ON audit_event
    FOR EACH ROW EXECUTE FUNCTION audit_event_queue();
INSERT INTO audit_unsealed (event_id) SELECT id FROM audit_event;

-- Runs with the rights of the owner of the tables, so that the role of the application needs no DELETE.
CREATE FUNCTION audit_prune(which bigint, most integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    kept bigint;
    places bigint[];
    events bigint[];
BEGIN
    SELECT seq INTO STRICT kept FROM audit_checkpoint WHERE id = which;
    SELECT coalesce(array_agg(seq), '{}'), coalesce(array_agg(event_id), '{}') INTO places, events
        FROM (SELECT seq, event_id FROM audit_link WHERE seq <= kept ORDER BY seq LIMIT most) AS oldest;
    PERFORM set_config('paddock.audit_prune', which::text, true);
    DELETE FROM audit_event WHERE id = ANY (events);
    DELETE FROM audit_head WHERE seq = ANY (places);
    DELETE FROM audit_link WHERE seq = ANY (places);
    PERFORM set_config('paddock.audit_prune', '', true);
    RETURN coalesce(array_length(places, 1), 0);
END $$;
REVOKE ALL ON FUNCTION audit_prune(bigint, integer) FROM PUBLIC;

-- Words of the search. Separators are those of portal/audit/words.py. The cost says: use the index, whatever the order.
CREATE FUNCTION audit_words(kind text, on_label text, actor_label text, as_label text, before jsonb, after jsonb)
    RETURNS tsvector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 100000 AS $$
BEGIN
    RETURN to_tsvector('pg_catalog.simple', translate(
        left(kind || ' ' || on_label || ' ' || actor_label || ' ' || as_label || ' '
            || coalesce(before::text, '') || ' ' || coalesce(after::text, ''), 100000),
        '._-/:@=,;()[]{}<>|#*+&%$!?~^`"''\\', repeat(' ', 32)));
END $$;
CREATE INDEX audit_words ON audit_event USING gin (
    audit_words(kind::text, on_label::text, actor_label::text, as_label::text, before, after)
);
"""
GUARDED = ("audit_event", "audit_link", "audit_head", "audit_checkpoint")
FORWARD += "".join(
    f"""
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION audit_append_only();
CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only();
"""
    for table in GUARDED
)
BACKWARD = """
DROP INDEX audit_words;
DROP FUNCTION audit_words(text, text, text, text, jsonb, jsonb);
DROP FUNCTION audit_prune(bigint, integer);
DROP TRIGGER audit_event_queued ON audit_event;
DROP FUNCTION audit_event_queue();
"""
BACKWARD += "".join(
    f"DROP TRIGGER {table}_append_only ON {table}; DROP TRIGGER {table}_no_truncate ON {table};" for table in GUARDED
)
BACKWARD += """
DROP FUNCTION audit_append_only();
CREATE FUNCTION audit_event_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit events are never changed or deleted';
END $$;
CREATE TRIGGER audit_event_is_append_only BEFORE UPDATE OR DELETE ON audit_event
    FOR EACH ROW EXECUTE FUNCTION audit_event_refuse();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_chain")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
