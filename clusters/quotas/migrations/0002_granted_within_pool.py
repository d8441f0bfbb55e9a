"""What is granted of a pool is never more than the pool, whoever writes and whatever is written at the same moment."""

from django.db import migrations

# The plan's row is locked, so that of two transactions the later one counts what the earlier one wrote.
FORWARDS = """
CREATE FUNCTION quota_granted_within_pool() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    plan quota_plan%ROWTYPE;
    too_much text;
BEGIN
    SELECT * INTO plan FROM quota_plan WHERE project_id = NEW.project_id FOR UPDATE;
    IF NOT FOUND OR plan.mode <> 'pool' THEN
        RETURN NULL;
    END IF;
    SELECT share.resource INTO too_much FROM quota_share AS share
     WHERE share.project_id = NEW.project_id AND plan.pool ? share.resource
     GROUP BY share.resource
    HAVING sum(share.granted) > (plan.pool ->> share.resource)::numeric
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'more of % is granted than the pool of project % has', too_much, NEW.project_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'quota_granted_within_pool';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER quota_share_made_within_pool AFTER INSERT ON quota_share
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION quota_granted_within_pool();
CREATE CONSTRAINT TRIGGER quota_share_raised_within_pool AFTER UPDATE OF granted, project_id ON quota_share
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.granted > OLD.granted OR NEW.project_id <> OLD.project_id)
    EXECUTE FUNCTION quota_granted_within_pool();
CREATE CONSTRAINT TRIGGER quota_plan_holds_what_is_granted AFTER INSERT OR UPDATE OF pool, mode ON quota_plan
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION quota_granted_within_pool();
"""
BACKWARDS = """
DROP TRIGGER quota_plan_holds_what_is_granted ON quota_plan;
DROP TRIGGER quota_share_raised_within_pool ON quota_share;
DROP TRIGGER quota_share_made_within_pool ON quota_share;
DROP FUNCTION quota_granted_within_pool();
"""


class Migration(migrations.Migration):
    dependencies = [("quotas", "0001_initial")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
