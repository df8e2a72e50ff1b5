-- What a single fence asks for: its events, margin, confirmation, dwell time, speed limit, hours and vessels. A change of
-- rules ends one state of the fence and begins another, as a change of its name or shape does.
ALTER TABLE geofences
    ADD COLUMN rules jsonb NOT NULL DEFAULT '{}',
    ADD CONSTRAINT geofences_rules_are_an_object CHECK (jsonb_typeof(rules) = 'object');

ALTER TABLE geofence_versions
    ADD COLUMN rules jsonb NOT NULL DEFAULT '{}';

CREATE OR REPLACE VIEW geofence_history AS
SELECT
    v.version,
    v.geofence_id,
    v.client_id,
    v.name,
    v.polygon,
    f.at AS from_at,
    u.at AS until_at,
    v.rules
FROM geofence_versions AS v
JOIN geofence_changes AS f ON f.change = v.from_change
LEFT JOIN geofence_changes AS u ON u.change = v.until_change;

CREATE OR REPLACE FUNCTION keep_inserted_geofences()
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
        INSERT INTO geofence_versions (geofence_id, client_id, name, polygon, rules, from_change)
        SELECT a.id, a.client_id, a.name, a.polygon, a.rules, change
        FROM after_rows AS a
        WHERE a.is_active;
    END IF;
    RETURN NULL;
END;
$$;

-- A state that stays the same (same id, client, name, shape and rules, active before and after) is neither ended nor begun.
CREATE OR REPLACE FUNCTION keep_updated_geofences()
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
        AND a.rules = b.rules
    WHERE b.is_active AND a.id IS NULL;

    SELECT array_agg(a.id) INTO begun
    FROM after_rows AS a
    LEFT JOIN before_rows AS b
        ON b.id = a.id AND b.is_active AND b.client_id = a.client_id AND b.name = a.name AND b.polygon = a.polygon
        AND b.rules = a.rules
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
        INSERT INTO geofence_versions (geofence_id, client_id, name, polygon, rules, from_change)
        SELECT a.id, a.client_id, a.name, a.polygon, a.rules, change
        FROM after_rows AS a
        JOIN unnest(begun) AS b (id) USING (id);
    END IF;
    RETURN NULL;
END;
$$;
