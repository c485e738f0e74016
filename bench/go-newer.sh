#!/usr/bin/env bash
# Fetches a newer Debian release's Go plugins into build/bench/go, to be compared with beside the installed ones.
# Nothing on the system changes, and the signatures are checked, as scripts/test-kernel/debian.sh does it.
set -euo pipefail

usage() {
  cat <<'EOT'
Usage: go-newer.sh
Unpacks containernetworking-plugins of Debian forky into build/bench/go, unless it is there.
Environment: DEBIAN_MIRROR, DEBIAN_KEYRING as for scripts/test-kernel/get-kernel.sh
EOT
}

die() {
  echo "go-newer.sh: $*" >&2
  exit 1
}

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
# shellcheck source=scripts/test-kernel/debian.sh
. "$root/scripts/test-kernel/debian.sh"

case ${1-} in
  -h | --help) usage && exit 0 ;;
  '') ;;
  *) usage >&2 && exit 64 ;;
esac
[ "$(uname -m)" = x86_64 ] || die "it fetches Debian's packages for x86_64 only; this machine is $(uname -m)"
go=$root/build/bench/go
if [ ! -e "$go/VERSION" ]; then
  for tool in apt-get dpkg-deb; do
    command -v "$tool" >/dev/null || die "needs $tool, of Debian or Ubuntu"
  done
  mkdir -p "$root/build/bench"
  work=$(mktemp -d "$root/build/bench/go.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  fetch "$work" forky containernetworking-plugins
  dpkg-deb -x "$work"/containernetworking-plugins_*.deb "$work/unpacked"
  dpkg-deb -W "$work"/containernetworking-plugins_*.deb >"$work/unpacked/VERSION"
  rm -rf "$go"
  mv "$work/unpacked" "$go"
fi
echo "Go plugins: $(tr '\t' ' ' <"$go/VERSION") in build/bench/go"
