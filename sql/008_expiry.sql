-- What is old goes. The worker calls both once an hour.
CREATE FUNCTION delete_expired_notifications()
RETURNS void
LANGUAGE sql
AS $$
    DELETE FROM notifications
    WHERE expires_at < now();
$$;

-- A day longer than notifications live: as long as an event may be repeated, its id is known.
CREATE FUNCTION delete_old_handled_events(days integer DEFAULT 8)
RETURNS void
LANGUAGE sql
AS $$
    DELETE FROM handled_events
    WHERE handled_at < now() - make_interval(days => days);
$$;
