#!/usr/bin/env bash
# Fetches Debian's user-mode-linux, and the libc6 it is linked with, into build/test-kernel.
# Nothing on the system changes: apt runs with a sources list, lists and a cache of our own.
set -euo pipefail

usage() {
  cat <<'EOT'
Usage: get-kernel.sh [--force]
Puts a User-Mode Linux kernel into build/test-kernel, unless it is there:
  linux      the kernel, an ordinary executable
  modules/   its modules (ipvlan, dummy, 8021q, bonding, vrf, overlay, ...)
  lib/       the C library it runs with
  VERSION    the Debian packages they came from
  --force    fetch it anew
Environment:
  DEBIAN_MIRROR   where to fetch from; default: this machine's own mirror, else deb.debian.org
  DEBIAN_KEYRING  keys that may sign it; default: the debian-archive-keyring package's
EOT
}

# The release whose kernel starts on current processors (Debian 12's dies where there is AMX).
readonly SUITE=forky
readonly PACKAGES=(user-mode-linux libc6)

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
kernel=$root/build/test-kernel

die() {
  echo "get-kernel.sh: $*" >&2
  exit 1
}

# shellcheck source=scripts/test-kernel/debian.sh
. "$root/scripts/test-kernel/debian.sh"

# Lays out the fetched packages of FOLDER/*.deb as FOLDER/kernel.
lay_out() {
  local folder=$1 package
  mkdir "$folder/kernel"
  for package in "${PACKAGES[@]}"; do
    dpkg-deb -x "$folder/$package"_*.deb "$folder/$package"
    dpkg-deb -W "$folder/$package"_*.deb >>"$folder/kernel/VERSION"
  done
  cp "$folder/user-mode-linux/usr/bin/linux.uml" "$folder/kernel/linux"
  mv "$folder"/user-mode-linux/usr/lib/uml/modules/* "$folder/kernel/modules"
  mv "$(dirname "$(find "$folder/libc6" -name libc.so.6 -print -quit)")" "$folder/kernel/lib"
}

# Makes the kernel load its own libc, wherever the tree lies now: an interpreter's path is absolute.
bind_to_own_libc() {
  [ "$(cat "$kernel/.lies-in" 2>/dev/null)" != "$kernel" ] || return 0
  command -v patchelf >/dev/null || die "needs patchelf; run: sudo scripts/install-packages.sh kernel"
  # Written beside and renamed: a running kernel's file cannot be written.
  cp "$kernel/linux" "$kernel/linux.new"
  patchelf --set-interpreter "$kernel/lib/ld-linux-x86-64.so.2" --set-rpath "$kernel/lib" "$kernel/linux.new"
  mv "$kernel/linux.new" "$kernel/linux"
  echo "$kernel" >"$kernel/.lies-in"
}

read_force "$@"
[ "$(uname -m)" = x86_64 ] || die "Debian has user-mode-linux for x86_64 only; this machine is $(uname -m)"

lock_kernel
if [ -n "$force" ] || [ ! -e "$kernel/VERSION" ]; then
  need_tools kernel apt-get dpkg-deb patchelf
  renew_kernel "${PACKAGES[@]}"
fi
bind_to_own_libc
say_kernel
