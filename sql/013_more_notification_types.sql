-- The kinds that detectors found later; a client hears of them when it asks for them.
-- What somebody entered by hand stays.
INSERT INTO notification_types (type, title_template, text_template, enabled_by_default)
VALUES
    ('eta_change', '{name} changed its ETA', '{name} changed its ETA from {previous} to {new}', false),
    ('draught_change', '{name} changed its draught', '{name} changed its draught from {previous} m to {new} m', false),
    ('status_change', '{name}: {new}', '{name} changed its status from {previous} to {new}', false),
    ('name_change', '{previous} is now {new}', '{previous} changed its name to {new}', false),
    ('flag_change', '{name} changed its flag', '{name} changed its flag from {previous} to {new}', false),
    ('movement_alert', '{name} {event}', '{name} {event} at {at}', false),
    ('gap_alert', '{name}: silence {event}', '{name}: silence {event}, not heard since {silentSince}', false)
ON CONFLICT (type) DO NOTHING;
