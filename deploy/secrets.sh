#!/bin/sh
# Makes the secrets of compose.yaml in deploy/secrets, once: those that are there stay.
set -eu
umask 077
cd "$(dirname "$0")"
mkdir -p secrets
random() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n'; }
keep() { [ -s "secrets/$1" ] || printf %s "$2" >"secrets/$1"; }
keep database "$(random)"
keep hub_key "$(random)"
keep s3_key capas
keep s3_secret "$(random)"
keep s3_identities "{\"identities\":[{\"name\":\"hub\",\"credentials\":[{\"accessKey\":\"$(cat secrets/s3_key)\",\"secretKey\":\"$(cat secrets/s3_secret)\"}],\"actions\":[\"Admin\"]}]}"
# the processes in the containers are not yours: they read the files of this directory, which nobody else can enter
chmod 644 secrets/*
