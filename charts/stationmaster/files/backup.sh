#!/bin/bash
# Dump the three databases into /dumps. The URIs are SQLAlchemy's; libpq knows no driver name.
set -euo pipefail
for database in airflow catalog ledger; do
    variable=${database^^}_URI
    uri=${!variable/+psycopg2/}
    began=$(date +%s%N)
    pg_dump --format custom --no-owner --no-privileges --file "/dumps/$database.dump" "$uri"
    echo "$database: $(stat --format %s "/dumps/$database.dump") bytes in $(( ($(date +%s%N) - began) / 1000000 )) ms"
done
