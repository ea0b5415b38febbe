#!/bin/sh
# Makes the secrets that docker-compose.yml mounts: random passwords, the URLs that hold them, a key-encryption key.
# usage: docs/deployment/make-secrets.sh [folder]     (default: secrets; it must not be there yet)
#
# Keep a copy of key_encryption_key somewhere else: without it no value in the database can ever be read again.
set -eu
folder=${1:-secrets}
umask 077
mkdir "$folder"
cd "$folder"

for login in superuser owner api worker; do
  od -An -N24 -tx1 /dev/urandom | tr -d ' \n' > "database_${login}_password"
done
url() { printf 'postgres://%s:%s@database:5432/ostiary' "$1" "$(cat "database_${2}_password")" > "database_${2}_url"; }
url ostiary_owner owner
url ostiary_api api
url ostiary_jobs worker
head -c 32 /dev/urandom | base64 > key_encryption_key

# Containers read them as users of their own; on this machine the folder keeps everybody else out.
chmod 444 ./*
