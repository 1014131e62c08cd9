#!/bin/sh
# Runs before `npm start` and `npm test`, on a fresh clone as on any other day: installs what the lockfile says unless that
# is done, and compiles what has changed.
#
# npm writes node_modules/.package-lock.json last: an install that was killed half-way has none and is repaired here, and
# a lockfile that is newer is noticed. Everything that npm scripts start afterwards finds node_modules/.bin/node first,
# which is the pinned Node 24 whatever the host has. That is also why npm's warnings are left out: on a host with an older
# Node it has one for every package that asks for a newer one, and nothing of ours runs on the host's. Errors are shown.
set -eu

if ! [ node_modules/.package-lock.json -nt package-lock.json ]; then
  echo 'Installing packages (some 630 MB)'
  npm ci --no-audit --no-fund --loglevel=error
fi
[ -e cli/dist/bin.js ] || echo 'Compiling (a minute or two, once)'
tsc -b
