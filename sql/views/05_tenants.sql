-- The tenants that were read, and which day it is in the time zone of their terminals.
CREATE OR REPLACE VIEW protime.tenants AS
SELECT tenant, timezone, (now() AT TIME ZONE timezone)::date AS today FROM protime_etl.tenants;

COMMENT ON VIEW protime.tenants IS 'Tenants that were read, and which day it is in their time zone.';
COMMENT ON COLUMN protime.tenants.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.tenants.timezone IS 'IANA time zone in which the tenant''s minutes are read.';
COMMENT ON COLUMN protime.tenants.today IS 'Today in that time zone.';
