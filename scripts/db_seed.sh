#!/usr/bin/env bash
# Put the rows of the sandbox into the schema crm, in place of whatever its tables hold.
#
#   scripts/db_seed.sh             make the tables if there are none, and restore every row
#   scripts/db_seed.sh --rebuild   drop the schema crm with all that is in it first, tables included
#
# The database is CRM_GYM_PG_DSN if that is set; else the one of DB_HOST, DB_PORT, DB_NAME, DB_USER and DB_PASSWORD,
# from the environment, from .env, or from the defaults of .env.example. PSQL names another psql than the one on PATH.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
    printf '\nFAILED: %s\nWay out: %s\n' "$1" "$2" >&2
    exit 1
}

# setting NAME: its value from the environment, else from .env, else from .env.example.
setting() {
    local file line
    if [ -n "${!1:-}" ]; then
        echo "${!1}"
        return
    fi
    for file in .env .env.example; do
        line=$([ -r "$file" ] && sed -n "s/^$1=//p" "$file" | tail -n 1 | tr -d '\r') || continue
        if [ -n "$line" ]; then
            line=${line#[\"\']}
            echo "${line%[\"\']}"
            return
        fi
    done
    fail "$1 is not set" "set it in the environment or in .env, as .env.example does"
}

rebuild=no
case "$#:${1:-}" in
    0:) ;;
    1:--rebuild) rebuild=yes ;;
    1:-h | 1:--help)
        sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "scripts/$(basename "$0")"
        exit 0
        ;;
    *) fail "unknown arguments: $*" "scripts/db_seed.sh --help tells them" ;;
esac

psql=${PSQL:-psql}
command -v "$psql" >/dev/null || fail "$psql was not found" \
    "install the PostgreSQL client (Debian and Ubuntu: apt-get install postgresql-client), or name one: PSQL=/path/to/psql"
for file in sql/01_schema.sql sql/02_seed_data.sql; do
    [ -r "$file" ] || fail "$file is missing" "make it: python scripts/generate.py"
done

if [ -n "${CRM_GYM_PG_DSN:-}" ]; then
    database=$CRM_GYM_PG_DSN
    shown="the database of CRM_GYM_PG_DSN"
else
    PGHOST=$(setting DB_HOST)
    PGPORT=$(setting DB_PORT)
    PGUSER=$(setting DB_USER)
    PGPASSWORD=$(setting DB_PASSWORD)
    database=$(setting DB_NAME)
    export PGHOST PGPORT PGUSER PGPASSWORD
    shown="$database on $PGHOST:$PGPORT as $PGUSER"
fi
export PGCONNECT_TIMEOUT=5 PGOPTIONS="-c client_min_messages=warning -c lock_timeout=10s -c statement_timeout=60s"

run() { "$psql" -X -q -A -t -v ON_ERROR_STOP=1 -d "$database" "$@"; }

run -c "SELECT 1" >/dev/null || fail "no connection to $shown" \
    "start the server (docker compose up --detach --wait, or crm-gym db up), or set CRM_GYM_PG_DSN or the DB_ variables"

if [ "$rebuild" = yes ]; then
    run -c "DO \$\$
        DECLARE
            owner name := (SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'crm');
        BEGIN
            IF owner IS NOT NULL THEN
                DROP SCHEMA crm CASCADE;
                EXECUTE format('CREATE SCHEMA crm AUTHORIZATION %I', owner);
            END IF;
        END \$\$" || fail "the schema crm of $shown could not be dropped" \
        "read the message above; another session may hold it, or the role does not own it"
fi

tables=$(run -c "SELECT count(*) FROM pg_tables WHERE schemaname = 'crm'")
if [ "$tables" = 0 ]; then
    run -f sql/01_schema.sql || fail "the tables of $shown could not be made" \
        "read the message above; the role needs CREATE on the database"
fi
run -f sql/02_seed_data.sql || fail "the rows of $shown could not be restored; nothing was changed" \
    "read the message above; if the tables themselves were altered: scripts/db_seed.sh --rebuild"
echo "Restored the sandbox in the schema crm of $shown."
