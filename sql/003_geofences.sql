-- The fences as they are now. A MULTIPOLYGON is how a fence across the antimeridian is stored: cut in two.
CREATE TABLE geofences (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    client_id varchar(255) NOT NULL,
    name varchar(255) NOT NULL,
    polygon geometry(Geometry, 4326) NOT NULL,
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT geofences_polygon_is_an_area
        CHECK (GeometryType(polygon) IN ('POLYGON', 'MULTIPOLYGON') AND NOT ST_IsEmpty(polygon))
);

CREATE INDEX idx_geofences_polygon ON geofences USING gist (polygon);
CREATE INDEX idx_geofences_client ON geofences (client_id);
CREATE INDEX idx_geofences_active ON geofences (is_active) WHERE is_active;

CREATE TRIGGER geofences_updated_at
    BEFORE UPDATE ON geofences
    FOR EACH ROW
    EXECUTE FUNCTION set_updated_at();
