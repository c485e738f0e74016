#!/usr/bin/env bash
# Builds multi-nic and shows what it does, on this machine and without touching its network.
set -euo pipefail

usage() {
  cat <<'EOT'
Usage: sudo ./scripts/quickstart.sh [--real-ipvlan] [--json]
Installs what is missing, builds the executables, and tries them: two hosts as network namespaces
with two NICs each, a pod on each host, both attached by multi-nic, pings over every pair of NICs,
a table of what each pod got, and a check that nothing is left after DEL.
  --real-ipvlan  do it in the project's test kernel, which has ipvlan, where this machine's has not
  --json         print the report as JSON; all else goes to stderr
  --help         this text
It installs Debian or Ubuntu packages (see scripts/install-packages.sh --list build quickstart) and,
into this folder, npm packages. All namespaces are of its own and end with it.
Exit status 1: something failed; the last line says what.
EOT
}

die() {
  echo "quickstart: failed: $*" >&2
  exit 1
}

say() { echo "quickstart: $*" >&2; }

# step WORDS COMMAND...: runs a command of many seconds; what it prints goes to stderr.
step() {
  local what=$1
  shift
  say "$what"
  "$@" >&2 </dev/null || die "$what: see above (${*##"$root"/})"
}

real_ipvlan='' report=()
for argument in "$@"; do
  case $argument in
    -h | --help) usage && exit 0 ;;
    --real-ipvlan) real_ipvlan=1 ;;
    --json) report=(--json) ;;
    *) echo "quickstart: \"$argument\" is no option" >&2 && usage >&2 && exit 1 ;;
  esac
done

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd -P)
cd "$root"
[ "$(id -u)" = 0 ] || die "must be root, to make network namespaces; run: sudo ./scripts/quickstart.sh"
case $(uname -m) in
  x86_64) arch=x64 ;;
  aarch64) arch=arm64 ;;
  *) die "$(uname -m) is not supported; use x86_64 or aarch64" ;;
esac
bin=$root/dist/linux-$arch
node=$root/node_modules/.bin/node

# What is made here belongs to whom the folder belongs to, not to root.
hand_over() {
  local made
  for made in node_modules build dist; do
    [ ! -e "$made" ] || chown --recursive --no-dereference --reference=. "$made"
  done
}

# npm writes .package-lock.json when it is done.
is_installed() { [ -x "$node" ] && [ ! package-lock.json -nt node_modules/.package-lock.json ]; }

# Built by build.sh after the last change of all that goes into it.
is_built() {
  [ -x "$bin/multi-nic" ] && [ -z "$(find build.sh package-lock.json plugins lib native scripts/build* \
    -newer "$bin/multi-nic" -print -quit)" ]
}

step "installing missing packages" scripts/install-packages.sh build quickstart ${real_ipvlan:+kernel}
if ! is_installed; then
  command -v npm >/dev/null || die "npm is not on root's PATH; install Node 18 or later with npm (on Debian 12: apt-get install npm)"
  step "installing npm packages into node_modules (about half a minute)" npm ci --loglevel=error
fi
is_built || step "building the executables into dist/linux-$arch (some seconds)" ./build.sh --arch "$arch"
hand_over

demonstration=(scripts/quickstart/isolate.sh "$node" --disable-warning=ExperimentalWarning
  scripts/quickstart/main.ts --bin "$bin" "${report[@]}")
[ -n "$real_ipvlan" ] || exec "${demonstration[@]}"
step "fetching the test kernel, unless it is there" scripts/test-kernel/get-kernel.sh
hand_over
say "starting the test kernel (some seconds)"
exec scripts/test-kernel/run.sh -t 120 -- "${demonstration[@]}"
