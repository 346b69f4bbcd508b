#!/bin/bash
# The first start makes the database: POSTGRES_PASSWORD (or _FILE) is needed, POSTGRES_USER and POSTGRES_DB have defaults,
# and what lies in /docker-entrypoint-initdb.d (*.sql, *.sh) is run once. POSTGRES_HOST_AUTH_METHOD=trust needs no password.
set -euo pipefail

case "${1:-}" in -*) set -- postgres "$@" ;; esac
if [ "${1:-}" != postgres ]; then exec "$@"; fi

if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA" && chown postgres:postgres "$PGDATA" && chmod 700 "$PGDATA"
  exec setpriv --reuid=postgres --regid=postgres --init-groups --no-new-privs "$0" "$@"
fi

start() { pg_ctl -D "$PGDATA" -o "-c listen_addresses= -p ${PGPORT:-5432}" -w start >/dev/null; }

make_database() {
  if ! [ -r /docker-entrypoint-initdb.d ]; then
    echo "postgres: the user postgres cannot read /docker-entrypoint-initdb.d" >&2
    exit 1
  fi
  local user=${POSTGRES_USER:-postgres} method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
  local password=${POSTGRES_PASSWORD:-}
  if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then password=$(<"$POSTGRES_PASSWORD_FILE"); fi
  if [ -z "$password" ] && [ "$method" != trust ]; then
    echo "postgres: set POSTGRES_PASSWORD, or POSTGRES_HOST_AUTH_METHOD=trust to let everybody in" >&2
    exit 1
  fi
  local secret=(--auth-local=trust --auth-host="$method")
  if [ -n "$password" ]; then
    initdb --username="$user" --pwfile=<(printf '%s\n' "$password") "${secret[@]}" >/dev/null
  else
    initdb --username="$user" "${secret[@]}" >/dev/null
  fi
  echo "host all all all $method" >>"$PGDATA/pg_hba.conf"
  start
  local database=${POSTGRES_DB:-$user}
  if [ "$database" != postgres ]; then createdb --username="$user" "$database"; fi
  local file
  for file in /docker-entrypoint-initdb.d/*; do
    case "$file" in
      *.sql) psql -v ON_ERROR_STOP=1 --username="$user" --dbname="$database" -f "$file" ;;
      *.sh) bash "$file" ;;
    esac
  done
  pg_ctl -D "$PGDATA" -m fast -w stop >/dev/null
}

if [ ! -s "$PGDATA/PG_VERSION" ]; then make_database; fi
shift
exec postgres -c listen_addresses='*' "$@"
