#!/bin/bash
# Start PostgreSQL as the user it is run by; make the databases when the volume is new.
#
# Each of DATABASES (default: airflow iceberg ledger) gets a role of its name that owns it. Its
# password is the file <name>-password in SECRETS (default /run/secrets/postgres), or the variable
# <NAME>_PASSWORD; the superuser's (postgres) likewise. A changed password is taken at each start.
set -euo pipefail
secrets=${SECRETS:-/run/secrets/postgres}
read -ra databases <<< "${DATABASES:-airflow iceberg ledger}"
sockets=/tmp

password_of() {
    local variable="${1^^}_PASSWORD"
    if [[ -r $secrets/$1-password ]]; then
        cat "$secrets/$1-password"
    elif [[ -n ${!variable:-} ]]; then
        printf '%s' "${!variable}"
    else
        echo "start-postgres: expected a password for $1: the file $secrets/$1-password or $variable" >&2
        return 78
    fi
}

make_cluster() {
    echo "start-postgres: a new volume at $PGDATA"
    rm -rf "$PGDATA.new"
    initdb --pgdata "$PGDATA.new" --username postgres --encoding UTF8 --locale C.UTF-8 \
        --auth-local trust --auth-host scram-sha-256 --data-checksums >/dev/null
    echo 'host all all all scram-sha-256' >> "$PGDATA.new/pg_hba.conf"
    # In one move: a start that was cut short leaves nothing half made.
    mv "$PGDATA.new" "$PGDATA"
}

sql() {
    psql --host "$sockets" --username postgres --dbname postgres --no-psqlrc --quiet \
        --tuples-only --no-align --set ON_ERROR_STOP=1 "$@"
}

set_password() {
    # psql quotes it, out of its environment: the password is in no process's arguments.
    PASSWORD=$2 sql --set role="$1" <<< "\\getenv password PASSWORD
ALTER ROLE :\"role\" LOGIN PASSWORD :'password'"
}

make_databases() {
    local name password
    password=$(password_of postgres)
    set_password postgres "$password"
    for name in "${databases[@]}"; do
        password=$(password_of "$name")
        if [[ -z $(sql --set role="$name" <<< "SELECT 1 FROM pg_roles WHERE rolname = :'role'") ]]; then
            sql --set role="$name" <<< 'CREATE ROLE :"role"'
        fi
        set_password "$name" "$password"
        if [[ -z $(sql --set role="$name" <<< "SELECT 1 FROM pg_database WHERE datname = :'role'") ]]; then
            sql --set role="$name" <<< 'CREATE DATABASE :"role" OWNER :"role"'
        fi
    done
}

[[ -s $PGDATA/PG_VERSION ]] || make_cluster
# First without a door to the network: nobody is let in before the passwords stand.
pg_ctl --pgdata "$PGDATA" --wait --timeout 600 --silent --log /tmp/start.log \
    --options "-c listen_addresses='' -c jit=off -c unix_socket_directories=$sockets" start ||
    { cat /tmp/start.log >&2; exit 1; }
make_databases
pg_ctl --pgdata "$PGDATA" --wait --silent --mode fast stop
echo "start-postgres: ready with ${databases[*]}"
exec postgres -D "$PGDATA" \
    -c listen_addresses='*' \
    -c unix_socket_directories="$sockets" \
    -c max_connections="${MAX_CONNECTIONS:-200}" \
    -c password_encryption=scram-sha-256 \
    -c jit=off \
    -c timezone=UTC -c log_timezone=UTC "$@"
