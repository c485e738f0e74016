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
keyring=${DEBIAN_KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}

die() {
  echo "get-kernel.sh: $*" >&2
  exit 1
}

# The mirror this machine is configured with, when it is Debian's; apt itself is asked, since its
# sources come in two formats.
mirror() {
  if [ -n "${DEBIAN_MIRROR-}" ]; then
    echo "$DEBIAN_MIRROR"
    return
  fi
  local configured=
  if grep -qx 'ID=debian' /etc/os-release 2>/dev/null; then
    # shellcheck disable=SC2016 # apt-get replaces it, not the shell
    configured=$(apt-get indextargets --no-release-info --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
      grep -m1 -E '^https?://.*/debian/$' || true)
  fi
  echo "${configured:-http://deb.debian.org/debian}"
}

# Downloads PACKAGE... of Debian's SUITE into FOLDER, signed by a key of KEYRING. apt checks the
# release's signature, the lists against the release and the packages against the lists. What
# follows -c is read after the system's configuration: its proxies hold, and the hooks that tell
# desktop programs about an update are dropped.
download() {
  local folder=$1 suite=$2 keyring=$3
  shift 3
  local apt=$folder/apt-$suite
  mkdir -p "$apt"/{lists,cache/archives}/partial
  echo "deb [arch=amd64 signed-by=$keyring] $(mirror) $suite main" >"$apt/sources.list"
  cat >"$apt/apt.conf" <<EOT
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
// Otherwise a failed update is a warning only.
APT::Update::Error-Mode "any";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "$apt/lists";
// As if nothing were installed: an installed newer version would be asked for instead.
Dir::State::status "/dev/null";
Dir::Cache "$apt/cache";
APT::Sandbox::User "$(id -un)";
Acquire::AllowInsecureRepositories "false";
APT::Get::AllowUnauthenticated "false";
Acquire::Languages "none";
Acquire::Retries "2";
EOT
  apt-get -qq -c "$apt/apt.conf" update >&2 && (cd "$folder" && apt-get -qq -c "$apt/apt.conf" download "$@" >&2)
}

# Fetches the packages into FOLDER. Ubuntu 22.04's Debian keyring ends with Debian 11's keys; the
# keyring in Debian 11, signed by those, has one of the keys that sign today's Debian.
fetch() {
  local folder=$1
  [ -r "$keyring" ] || die "no keyring $keyring; run: sudo scripts/install-packages.sh kernel"
  download "$folder" "$SUITE" "$keyring" "${PACKAGES[@]}" && return
  echo "get-kernel.sh: trying with a newer keyring, from Debian 11" >&2
  download "$folder" bullseye "$keyring" debian-archive-keyring &&
    dpkg-deb -x "$folder"/debian-archive-keyring_*.deb "$folder/keyring" &&
    download "$folder" "$SUITE" "$folder/keyring/usr/share/keyrings/debian-archive-keyring.gpg" "${PACKAGES[@]}" && return
  die "no signed packages of Debian $SUITE from $(mirror) (above: why). Set DEBIAN_MIRROR to a mirror that answers, DEBIAN_KEYRING to a newer debian-archive-keyring.gpg"
}

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

case ${1-} in
  -h | --help) usage && exit 0 ;;
  --force) force=1 ;;
  '') force= ;;
  *) usage >&2 && exit 64 ;;
esac
[ "$(uname -m)" = x86_64 ] || die "Debian has user-mode-linux for x86_64 only; this machine is $(uname -m)"

mkdir -p "$root/build"
exec 9>"$root/build/.test-kernel.lock"
flock 9
if [ -n "$force" ] || [ ! -e "$kernel/VERSION" ]; then
  for tool in apt-get dpkg-deb patchelf; do
    command -v "$tool" >/dev/null || die "needs $tool; run: sudo scripts/install-packages.sh kernel"
  done
  work=$(mktemp -d "$root/build/test-kernel.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  fetch "$work"
  lay_out "$work"
  rm -rf "$kernel"
  mv "$work/kernel" "$kernel"
fi
bind_to_own_libc
echo "test kernel: $(tr '\t\n' '  ' <"$kernel/VERSION")in build/test-kernel"
