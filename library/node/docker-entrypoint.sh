#!/bin/sh
# `node app.js` may be said without `node`: what is no command is for it.
set -eu
if [ "${1#-}" != "${1:-}" ] || ! command -v "${1:-}" >/dev/null; then
  set -- node "$@"
fi
exec "$@"
