#!/bin/sh
# Builds the executables: dist/linux-x64 and dist/linux-arm64. See ./build.sh --help.
# Works with whatever Node is on PATH, or none: the project brings its own.
set -eu
root=$(cd "$(dirname "$0")" && pwd -P)
node=$root/node_modules/.bin/node
if [ ! -x "$node" ]; then
  echo "build.sh: $node is missing; run in $root: npm ci" >&2
  exit 1
fi
exec "$node" --disable-warning=ExperimentalWarning "$root/scripts/build/main.ts" "$@"
