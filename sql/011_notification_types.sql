-- Which kinds of notification exist, how they read, and whether a client without preferences gets them.
-- A template's {names} are keys of the notification's data.
CREATE TABLE notification_types (
    type varchar(50) PRIMARY KEY,
    title_template text NOT NULL,
    text_template text NOT NULL,
    enabled_by_default boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TRIGGER notification_types_updated_at
    BEFORE UPDATE ON notification_types
    FOR EACH ROW
    EXECUTE FUNCTION set_updated_at();

CREATE TRIGGER notification_types_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON notification_types
    FOR EACH STATEMENT
    EXECUTE FUNCTION note_change('notification_types');

INSERT INTO notification_types (type, title_template, text_template, enabled_by_default)
VALUES
    ('geofence_alert', '{vesselName} {event} {geofenceName}', '{vesselName} {event} {geofenceName} at {at}', true),
    (
        'destination_change',
        '{vesselName} changed its destination',
        '{vesselName} changed its destination from {previousDestination} to {newDestination}',
        false
    );
