-- How far the sink has come, written in the transaction that writes the notifications; and which events it has
-- handled, so that a repeated event brings nothing back: neither a deleted notification nor one that a changed
-- preference would allow now.
CREATE TABLE sink_progress (
    app_id varchar(255) NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (app_id, partition)
);

CREATE TABLE handled_events (
    event_id uuid PRIMARY KEY,
    handled_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_handled_events_at ON handled_events (handled_at);
