#!/usr/bin/env bash
# shellcheck disable=SC2317 # stage and prepare call most functions by their names
# All the tests, with what they need installed and built first.
set -uo pipefail

usage() {
  cat <<'EOT'
Usage: test.sh [--only unit|live|uml|qemu]
Installs what is missing (Debian packages, npm modules), builds, and runs all the tests:
  unit  lint, types and the tests that need no kernel
  live  the tests on this machine's kernel, in network namespaces of their own (root); then, of these, the
        conformance suite with every call handed to multi-nicd
  uml   the same tests in a User-Mode Linux kernel, which has ipvlan (root)
  qemu  those that need a NIC with SR-IOV, on QEMU's (root)
Lists each test that was skipped, with the reason, each that failed, and each that passed at the second try only, with how
it failed at the first (live tests alone have a second). The last line is the sum:
  <n> passed, <n> failed, <n> skipped
Exit status 1 when one failed or none ran. Reports: build/reports/*.json.
EOT
}

only=
case ${1-} in
  -h | --help) usage && exit 0 ;;
  --only) only=${2-} ;;
  --only=*) only=${1#--only=} ;;
  '') ;;
  *) usage >&2 && exit 64 ;;
esac
case $only in '' | unit | live | uml | qemu) ;; *) usage >&2 && exit 64 ;; esac

cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." || exit 1
trap 'exit 130' INT
trap 'exit 143' TERM
# Stages that go on beside others, as <process group>:<name>.
besides=()
trap 'for each in "${besides[@]}"; do kill -- "-${each%%:*}" 2>/dev/null; done' EXIT
reports=build/reports
rm -rf "$reports" && mkdir -p "$reports" || exit 1
: >"$reports/stages"

is_wanted() { [ -z "$only" ] || [ "$only" = "$1" ]; }

# Ends with the sum of the stages so far.
finish() {
  echo "== result"
  if [ -x node_modules/.bin/node ]; then
    node_modules/.bin/node scripts/test-summary.ts "$reports/stages"
    exit
  fi
  # Before npm has brought Node there were no tests.
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
}

# stage NAME REPORT WORD COMMAND...: runs the command and notes how it ended. REPORT is the vitest
# report it writes, WORD what the name of at least one passed test holds; "-" for none.
stage() {
  local name=$1 report=$2 word=$3 start=$SECONDS status=0
  shift 3
  echo "== $name"
  "$@" </dev/null || status=$?
  printf '%s\t%s\t%s\t%s\n' "$name" "$status" "$report" "$word" >>"$reports/stages"
  echo "== $name: $([ $status = 0 ] && echo 'done' || echo "FAILED ($status)"), $((SECONDS - start)) s"
  return $status
}

# beside NAME REPORT WORD COMMAND...: a stage that goes on beside those that follow; it prints when it is awaited.
beside() {
  set -m
  stage "$@" >"$reports/$1.log" 2>&1 &
  besides+=("$!:$1")
  set +m
}

await() {
  local each
  for each in "${besides[@]}"; do
    wait "${each%%:*}"
    cat "$reports/${each#*:}.log"
  done
  besides=()
}

# prepare NAME COMMAND...: a stage without tests, and without which the later ones make no sense.
prepare() {
  local name=$1
  shift
  stage "$name" - - "$@" || finish
}

packages() {
  local purposes=(build cross)
  ! is_wanted live || purposes+=(test podman containerd)
  ! is_wanted uml || purposes+=(test kernel)
  ! is_wanted qemu || purposes+=(test qemu)
  scripts/install-packages.sh "${purposes[@]}"
}

npm_modules() {
  if [ node_modules/.package-lock.json -nt package-lock.json ]; then
    echo "node_modules is as new as package-lock.json"
    return
  fi
  command -v npm >/dev/null || {
    echo "test.sh: npm is missing; install Node 18 or later with npm" >&2
    return 1
  }
  npm ci --no-progress
}

# live_tests REPORT PREFIX... [-- FILE...]: whole runs of executables, each listed; all files, or those named. Their clocks
# go on while the machine, or the one that emulates them, does other work: what fails is tried once more. The sum names it,
# and how it failed at first.
live_tests() {
  local report=$1 prefix=()
  shift
  while [ $# -gt 0 ] && [ "$1" != -- ]; do prefix+=("$1") && shift; done
  [ $# = 0 ] || shift
  "${prefix[@]}" node node_modules/vitest/vitest.mjs run --project live --retry=1 \
    --reporter=verbose --reporter=json --outputFile.json="$report" "$@"
}

live_on_this_kernel() {
  [ "$(id -u)" = 0 ] || {
    echo "test.sh: live tests make network namespaces: run it with sudo, or --only unit" >&2
    return 1
  }
  live_tests "$reports/live.json" env MULTI_NIC_CNI_REQUIRE="${MULTI_NIC_CNI_REQUIRE-macvlan veth arm64-emulation podman containerd open-vswitch iperf3 sshd shellcheck}"
}

conformance_by_daemon() {
  live_tests "$reports/daemon.json" env MULTI_NIC_CNI_DAEMON=1 MULTI_NIC_CNI_REQUIRE="${MULTI_NIC_CNI_REQUIRE-macvlan veth}" -- \
    test/conformance test/live/attach.live.test.ts
}

# In the test kernel run those that have something to do with ipvlan, and those that read the kernel's bytes: the others
# would only repeat, ten times slower, what this machine's kernel has answered. What the kernel must have there is
# required: a test that needs one of these fails rather than being skipped.
live_in_uml() {
  local files
  mapfile -t files < <(grep --recursive --files-with-matches ipvlan test --include='*.live.test.ts')
  live_tests "$reports/uml.json" scripts/test-kernel/run.sh -t 1800 -m 3G -w "$reports" \
    -e MULTI_NIC_CNI_REQUIRE="ipvlan macvlan veth dummy vlan bond vrf" -- "${files[@]}" test/lib
}

# In Debian's kernel with an emulated NIC run those that need its virtual functions: every processor is emulated too.
live_in_qemu() {
  local files
  mapfile -t files < <(grep --recursive --files-with-matches 'sriov()' test --include='*.live.test.ts')
  live_tests "$reports/qemu.json" scripts/test-kernel/qemu/run.sh -t 900 -n 1 -w "$reports" \
    -e MULTI_NIC_CNI_REQUIRE="sriov ipvlan macvlan veth" -- "${files[@]}"
}

prepare packages packages
prepare npm npm_modules
export PATH=$PWD/node_modules/.bin:$PATH
prepare "native addon" scripts/build-native.sh
! is_wanted uml || prepare "test kernel" scripts/test-kernel/get-kernel.sh
! is_wanted qemu || prepare "kernel for QEMU" scripts/test-kernel/qemu/get.sh
[ "$only" = unit ] || prepare build ./build.sh
# The test kernel has one processor: it takes one of this machine's, and the other stages another.
! is_wanted uml || beside uml uml.json ipvlan live_in_uml
! is_wanted unit || stage unit unit.json - env MULTI_NIC_CNI_TEST_REPORT="$reports/unit.json" npm run --silent check
! is_wanted live || stage live live.json - live_on_this_kernel
! is_wanted live || stage "conformance by multi-nicd" daemon.json - conformance_by_daemon
await
! is_wanted qemu || stage qemu qemu.json SR-IOV live_in_qemu
finish
