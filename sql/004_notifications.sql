-- One row is one event for one client. `seq` is the cursor from which a client reads on.
CREATE TABLE notifications (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    client_id varchar(255) NOT NULL,
    type varchar(50) NOT NULL,
    data jsonb NOT NULL,
    is_read boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL DEFAULT now() + interval '7 days',
    seq bigint NOT NULL,
    event_id uuid,
    pushed boolean NOT NULL DEFAULT true,
    source_app varchar(255),
    source_partition integer,
    CONSTRAINT notifications_one_per_event_and_client UNIQUE (event_id, client_id)
);

CREATE UNIQUE INDEX idx_notifications_seq ON notifications (seq);
CREATE INDEX idx_notifications_client ON notifications (client_id, created_at DESC);
CREATE INDEX idx_notifications_client_seq ON notifications (client_id, seq);
CREATE INDEX idx_notifications_expires ON notifications (expires_at);
CREATE INDEX idx_notifications_created ON notifications (created_at);

CREATE SEQUENCE notifications_seq OWNED BY notifications.seq;

-- A cursor must not overtake a transaction that is still running: whoever saw 6 and later asks for what follows 6
-- would never see a 5 that commits late. Hiding rows by pg_snapshot_xmin is not enough, because numbers and
-- transaction ids are drawn in different orders. So the numbers are drawn under a lock held until the commit: they
-- become visible in their own order. Writers are few (the sink's partitions), and each writes many rows at once.
CREATE FUNCTION number_notification()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    -- 'vfsq' in ASCII. A row-level trigger, so that the lock is the last one that a writer takes.
    PERFORM pg_advisory_xact_lock(x'76667371'::integer, 0);
    NEW.seq := nextval('notifications_seq');
    RETURN NEW;
END;
$$;

CREATE TRIGGER notifications_number
    BEFORE INSERT ON notifications
    FOR EACH ROW
    EXECUTE FUNCTION number_notification();
