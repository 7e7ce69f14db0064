-- The application role: no superuser, may enter this one database and owns only its own schemas.
-- For psql, as a superuser, once for a fresh database (docker-compose.yml has it run by the image); running it again
-- does no harm. DB_USER and DB_PASSWORD come from the environment.
\set ON_ERROR_STOP on
\getenv app DB_USER
\getenv password DB_PASSWORD
SELECT current_database() AS db, current_user = :'app' AS myself \gset
\if :myself
    DO $$ BEGIN RAISE 'DB_USER must be another role than the superuser who runs this'; END $$;
\endif

BEGIN;
SELECT format('CREATE ROLE %I', :'app') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'app') \gexec
ALTER ROLE :"app" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'password';

REVOKE ALL ON DATABASE :"db" FROM PUBLIC;
GRANT CONNECT, CREATE ON DATABASE :"db" TO :"app"; -- CREATE: a schema for each environment
REVOKE ALL ON SCHEMA public FROM PUBLIC;
CREATE SCHEMA IF NOT EXISTS crm AUTHORIZATION :"app";
ALTER ROLE :"app" IN DATABASE :"db" SET search_path = crm;

-- Whoever may create schemas may also install the extensions that are marked as trusted. Not here.
CREATE OR REPLACE FUNCTION public.only_superusers() RETURNS event_trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        RAISE insufficient_privilege USING MESSAGE = tg_tag || ' is for superusers only';
    END IF;
END
$$;
DROP EVENT TRIGGER IF EXISTS only_superusers_extend;
CREATE EVENT TRIGGER only_superusers_extend ON ddl_command_start
    WHEN TAG IN ('CREATE EXTENSION', 'ALTER EXTENSION', 'CREATE LANGUAGE')
    EXECUTE FUNCTION public.only_superusers();
COMMIT;
