#!/bin/sh
# Before nginx starts: templates become settings with the variables of the environment, and scripts of the user run.
set -eu
if [ "${1:-}" = nginx ]; then
  for template in /etc/nginx/templates/*.template; do
    [ -e "$template" ] || continue
    # only variables that there are: nginx has its own, like $uri
    known=$(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/${\1}/p')
    envsubst "$known" <"$template" >"/etc/nginx/conf.d/$(basename "$template" .template)"
  done
  for script in /docker-entrypoint.d/*.sh; do
    [ -e "$script" ] || continue
    if [ -x "$script" ]; then "$script"; else echo "$0: $script cannot be executed: left out" >&2; fi
  done
fi
exec "$@"
