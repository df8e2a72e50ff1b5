-- Fences are shapes: Postgres checks and indexes them with PostGIS.
-- Where the role may not create extensions, an administrator runs this line once beforehand.
CREATE EXTENSION IF NOT EXISTS postgis;
