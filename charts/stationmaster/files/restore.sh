#!/bin/bash
# Put the dumps in /dumps back, each database in one transaction: all of it, or nothing.
set -euo pipefail
export PGOPTIONS="-c client_min_messages=error"
for database in airflow catalog ledger; do
    variable=${database^^}_URI
    uri=${!variable/+psycopg2/}
    began=$(date +%s%N)
    # What was made since the backup goes too: the schema is emptied, not only what the dump has.
    {
        echo 'BEGIN; DROP SCHEMA public CASCADE; CREATE SCHEMA public;'
        pg_restore --no-owner --no-privileges --file - "/dumps/$database.dump"
        echo 'COMMIT;'
    } | psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 "$uri" > /dev/null
    psql --no-psqlrc --quiet --command ANALYZE "$uri"
    echo "$database: back in $(( ($(date +%s%N) - began) / 1000000 )) ms"
done
