-- A position is judged by the fences in force when it was received, also when it is read again after an outage.
-- So every active state of a fence is kept, with the change that began it and the change that ended it.
--
-- A change is one transaction, and its moment is taken as the transaction commits: an import of 100,000 fences takes
-- seconds, and a moment from its middle would lie long past before anyone could see the fences.
CREATE TABLE geofence_changes (
    change bigint PRIMARY KEY,
    at timestamptz NOT NULL
);

CREATE TABLE geofence_versions (
    version bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    geofence_id uuid NOT NULL,
    client_id varchar(255) NOT NULL,
    name varchar(255) NOT NULL,
    polygon geometry(Geometry, 4326) NOT NULL,
    from_change bigint NOT NULL,
    until_change bigint
);

CREATE UNIQUE INDEX idx_geofence_versions_open ON geofence_versions (geofence_id) WHERE until_change IS NULL;
CREATE INDEX idx_geofence_versions_from ON geofence_versions (from_change);
CREATE INDEX idx_geofence_versions_until ON geofence_versions (until_change) WHERE until_change IS NOT NULL;

CREATE VIEW geofence_history AS
SELECT
    v.version,
    v.geofence_id,
    v.client_id,
    v.name,
    v.polygon,
    f.at AS from_at,
    u.at AS until_at
FROM geofence_versions AS v
JOIN geofence_changes AS f ON f.change = v.from_change
LEFT JOIN geofence_changes AS u ON u.change = v.until_change;

-- The number of this transaction's change; the first call makes it. It locks the row of the version, so changes happen
-- one after another and their numbers are in the order of their commits.
CREATE FUNCTION geofence_change()
RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    -- A setting local to the transaction: it is taken back with a savepoint, as the change's row is.
    known text := current_setting('vesselflow.geofence_change', true);
    made bigint;
BEGIN
    IF known <> '' THEN
        RETURN known::bigint;
    END IF;
    made := bump_change_version('geofences');
    INSERT INTO geofence_changes (change, at)
    VALUES (made, clock_timestamp());
    PERFORM set_config('vesselflow.geofence_change', made::text, true);
    RETURN made;
END;
$$;

-- Later than the change before it, even when the server's clock was set back.
CREATE FUNCTION stamp_geofence_change()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE geofence_changes
    SET at = greatest(
        clock_timestamp(),
        (SELECT max(earlier.at) + interval '1 millisecond' FROM geofence_changes AS earlier WHERE earlier.change < NEW.change)
    )
    WHERE change = NEW.change;
    RETURN NULL;
END;
$$;

CREATE CONSTRAINT TRIGGER geofence_changes_stamp
    AFTER INSERT ON geofence_changes
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW
    EXECUTE FUNCTION stamp_geofence_change();

CREATE FUNCTION keep_inserted_geofences()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    change bigint;
BEGIN
    IF EXISTS (SELECT FROM after_rows) THEN
        PERFORM bump_change_version('preferences');
    END IF;
    IF EXISTS (SELECT FROM after_rows WHERE is_active) THEN
        change := geofence_change();
        INSERT INTO geofence_versions (geofence_id, client_id, name, polygon, from_change)
        SELECT a.id, a.client_id, a.name, a.polygon, change
        FROM after_rows AS a
        WHERE a.is_active;
    END IF;
    RETURN NULL;
END;
$$;

CREATE FUNCTION keep_deleted_geofences()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    change bigint;
BEGIN
    IF EXISTS (SELECT FROM before_rows) THEN
        PERFORM bump_change_version('preferences');
    END IF;
    IF EXISTS (SELECT FROM before_rows WHERE is_active) THEN
        change := geofence_change();
        UPDATE geofence_versions AS v
        SET until_change = change
        FROM before_rows AS b
        WHERE v.geofence_id = b.id
            AND v.until_change IS NULL;
    END IF;
    RETURN NULL;
END;
$$;

-- A state that stays the same (same id, client, name and shape, active before and after) is neither ended nor begun.
CREATE FUNCTION keep_updated_geofences()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    ended uuid[];
    begun uuid[];
    moved bigint;
    change bigint;
BEGIN
    SELECT array_agg(b.id) INTO ended
    FROM before_rows AS b
    LEFT JOIN after_rows AS a
        ON a.id = b.id AND a.is_active AND a.client_id = b.client_id AND a.name = b.name AND a.polygon = b.polygon
    WHERE b.is_active AND a.id IS NULL;

    SELECT array_agg(a.id) INTO begun
    FROM after_rows AS a
    LEFT JOIN before_rows AS b
        ON b.id = a.id AND b.is_active AND b.client_id = a.client_id AND b.name = a.name AND b.polygon = a.polygon
    WHERE a.is_active AND b.id IS NULL;

    -- Counted, not EXISTS: Postgres would look for one row with nested loops, which is slow when there is none.
    SELECT count(*) INTO moved
    FROM before_rows AS b
    LEFT JOIN after_rows AS a USING (id, client_id)
    WHERE a.id IS NULL;

    IF moved > 0 THEN
        PERFORM bump_change_version('preferences');
    END IF;
    -- Joined as rows: an array of ids would be searched once for every row.
    IF ended IS NOT NULL THEN
        change := geofence_change();
        UPDATE geofence_versions AS v
        SET until_change = change
        FROM unnest(ended) AS e (id)
        WHERE v.geofence_id = e.id
            AND v.until_change IS NULL;
    END IF;
    IF begun IS NOT NULL THEN
        change := geofence_change();
        INSERT INTO geofence_versions (geofence_id, client_id, name, polygon, from_change)
        SELECT a.id, a.client_id, a.name, a.polygon, change
        FROM after_rows AS a
        JOIN unnest(begun) AS b (id) USING (id);
    END IF;
    RETURN NULL;
END;
$$;

CREATE FUNCTION keep_truncated_geofences()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    change bigint;
BEGIN
    PERFORM bump_change_version('preferences');
    change := geofence_change();
    UPDATE geofence_versions
    SET until_change = change
    WHERE until_change IS NULL;
    RETURN NULL;
END;
$$;

CREATE TRIGGER geofences_inserted
    AFTER INSERT ON geofences
    REFERENCING NEW TABLE AS after_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION keep_inserted_geofences();

CREATE TRIGGER geofences_updated
    AFTER UPDATE ON geofences
    REFERENCING OLD TABLE AS before_rows NEW TABLE AS after_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION keep_updated_geofences();

CREATE TRIGGER geofences_deleted
    AFTER DELETE ON geofences
    REFERENCING OLD TABLE AS before_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION keep_deleted_geofences();

CREATE TRIGGER geofences_truncated
    AFTER TRUNCATE ON geofences
    FOR EACH STATEMENT
    EXECUTE FUNCTION keep_truncated_geofences();
