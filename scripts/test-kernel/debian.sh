# Keeps a test kernel of packages of a Debian release, without touching the system: apt runs with a
# sources list, lists and a cache of its own. Sourced; the caller has die(), usage(), lay_out(), the
# kernel's folder in $kernel and the release in $SUITE.
# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # the caller has these variables

keyring=${DEBIAN_KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}

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

# Downloads PACKAGE... of Debian's SUITE into FOLDER, signed by a key of KEYRING; with PACKAGE+,
# also everything that it depends on. apt checks the release's signature, the lists against the
# release and the packages against the lists. What follows -c is read after the system's
# configuration: its proxies hold, and the hooks that tell desktop programs about an update are dropped.
download() {
  local folder=$1 suite=$2 keyring=$3 package packages=()
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
  apt-get -qq -c "$apt/apt.conf" update >&2 || return
  for package in "$@"; do
    case $package in
      *+) mapfile -t -O ${#packages[@]} packages < <(closure "$apt/apt.conf" "${package%+}") ;;
      *) packages+=("$package") ;;
    esac
  done
  (cd "$folder" && apt-get -qq -c "$apt/apt.conf" download "${packages[@]}" >&2)
}

# PACKAGE and everything that it depends on: what would be installed on a system that has nothing.
closure() {
  apt-get -qq -c "$1" --simulate --no-install-recommends install "$2" | sed -n 's/^Inst \([^ ]*\) .*/\1/p'
}

# fetch FOLDER SUITE PACKAGE...: as download, with a keyring that this machine has. Ubuntu 22.04's
# Debian keyring ends with Debian 11's keys; the keyring in Debian 11, signed by those, has one of
# the keys that sign today's Debian.
fetch() {
  local folder=$1 suite=$2
  shift 2
  [ -r "$keyring" ] || die "no keyring $keyring; run: sudo scripts/install-packages.sh kernel"
  download "$folder" "$suite" "$keyring" "$@" && return
  echo "${0##*/}: trying with a newer keyring, from Debian 11" >&2
  download "$folder" bullseye "$keyring" debian-archive-keyring &&
    dpkg-deb -x "$folder"/debian-archive-keyring_*.deb "$folder/keyring" &&
    download "$folder" "$suite" "$folder/keyring/usr/share/keyrings/debian-archive-keyring.gpg" "$@" && return
  die "no signed packages of Debian $suite from $(mirror) (above: why). Set DEBIAN_MIRROR to a mirror that answers, DEBIAN_KEYRING to a newer debian-archive-keyring.gpg"
}

# read_force [--force|--help]: what there is of options.
read_force() {
  case ${1-} in
    -h | --help) usage && exit 0 ;;
    --force) force=1 ;;
    '') force= ;;
    *) usage >&2 && exit 64 ;;
  esac
}

# Of several that want the same kernel, one fetches it.
lock_kernel() {
  mkdir -p "${kernel%/*}"
  exec 9>"${kernel%/*}/.${kernel##*/}.lock"
  flock 9
}

# need_tools PURPOSE TOOL...: PURPOSE is install-packages.sh's.
need_tools() {
  local purpose=$1 tool
  shift
  for tool in "$@"; do
    command -v "$tool" >/dev/null || die "needs $tool; run: sudo scripts/install-packages.sh $purpose"
  done
}

# renew_kernel PACKAGE...: puts what lay_out makes of them in the kernel's place.
renew_kernel() {
  work=$(mktemp -d "$kernel.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  fetch "$work" "$SUITE" "$@"
  lay_out "$work"
  rm -rf "$kernel"
  mv "$work/kernel" "$kernel"
}

say_kernel() { echo "test kernel: $(tr '\t\n' '  ' <"$kernel/VERSION")in build/${kernel##*/}"; }
