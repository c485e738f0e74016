#!/usr/bin/env bash
# Usage: isolate.sh COMMAND [ARG]...
# Runs COMMAND in network and mount namespaces of its own, with an empty /run: network namespaces that
# it names with `ip netns` are seen by nobody else, and all of it ends with the last process in it, however
# that ends.
set -euo pipefail
# shellcheck disable=SC2016 # the inner shell expands these
exec unshare --mount --net --propagation private \
  bash -euc 'mount -t tmpfs -o mode=755 isolated /run && exec "$@"' isolate.sh "$@"
