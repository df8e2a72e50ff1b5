-- The activity of the fleet: one row that is written every few seconds, so that reading it costs nothing.
CREATE TABLE vessel_activity_realtime (
    id text PRIMARY KEY DEFAULT 'singleton',
    active_now integer NOT NULL DEFAULT 0,
    active_last_hour integer NOT NULL DEFAULT 0,
    active_last_24h integer NOT NULL DEFAULT 0,
    total_vessels integer NOT NULL DEFAULT 0,
    positions_last_hour integer NOT NULL DEFAULT 0,
    vessel_types json NOT NULL DEFAULT '{}',
    top_flags json NOT NULL DEFAULT '[]',
    speed_avg decimal(5, 2) NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_vessel_activity_updated ON vessel_activity_realtime (updated_at);

INSERT INTO vessel_activity_realtime (id)
VALUES ('singleton');
