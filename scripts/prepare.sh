#!/bin/sh
# Runs before `npm start` and `npm test`, on a fresh clone as on any other day: installs what the lockfile says unless that
# is done, and compiles what has changed.
#
# npm writes node_modules/.package-lock.json last: an install that was killed half-way has none and is repaired here, and
# a lockfile that is newer is noticed. Everything that npm scripts start afterwards finds node_modules/.bin/node first,
# which is the pinned Node 24 whatever the host has.
set -eu

if ! [ node_modules/.package-lock.json -nt package-lock.json ]; then
  echo 'Installing packages'
  npm ci --no-audit --no-fund
fi
tsc -b
