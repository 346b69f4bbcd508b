#!/bin/sh
# `redis --appendonly yes` and `redis /etc/redis.conf` are commands of redis-server; root gives up its rights first.
set -eu
case "${1:-}" in
  -* | *.conf) set -- redis-server "$@" ;;
esac
if [ "$1" = redis-server ]; then
  shift
  # who reaches the container's network may use it, as of the official image; a file of settings decides for itself
  case "${1:-}" in
    *.conf) set -- redis-server "$@" ;;
    *) set -- redis-server --protected-mode no "$@" ;;
  esac
  if [ "$(id -u)" = 0 ]; then
    find . \! -user redis -exec chown redis:redis '{}' +
    exec setpriv --reuid=redis --regid=redis --init-groups --no-new-privs "$@"
  fi
fi
exec "$@"
