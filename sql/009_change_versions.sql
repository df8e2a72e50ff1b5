-- Every worker holds fences and preferences in memory. A number that grows with each change tells it when to read
-- again; the notification on channel `vesselflow_changes` tells it sooner.
CREATE TABLE change_versions (
    name text PRIMARY KEY,
    version bigint NOT NULL DEFAULT 0
);

INSERT INTO change_versions (name)
VALUES ('geofences'), ('preferences'), ('notification_types');

CREATE FUNCTION bump_change_version(changed text)
RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    bumped bigint;
BEGIN
    UPDATE change_versions
    SET version = version + 1
    WHERE name = changed
    RETURNING version INTO bumped;
    PERFORM pg_notify('vesselflow_changes', changed);
    RETURN bumped;
END;
$$;

CREATE FUNCTION note_change()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM bump_change_version(TG_ARGV[0]);
    RETURN NULL;
END;
$$;

CREATE TRIGGER user_preferences_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON user_preferences
    FOR EACH STATEMENT
    EXECUTE FUNCTION note_change('preferences');
