#!/usr/bin/env bash
# The long runs behind docs/reliability.md, each too long for the test suite.
set -uo pipefail

usage() {
  cat <<'EOT'
Usage: reliability.sh PART... [-- OPTION...]
Runs the long tests (root), with what they need installed and built first. Each ends with a table of totals on stdout,
for docs/reliability.md; how far it is goes to stderr. PART is one of:
  faults         each system call of ADD, DEL and GC killed or made to fail: four macvlan NICs (15 to 40 minutes)
  faults-ipvlan  the same with ipvlan, in the test kernel (1 to 2 hours)
  fuzz           200,000 configurations, structured and mangled, for all plugins, 5,700 huge ones, and 27,000 of all
                 sorts for the real verbs (10 to 30 minutes)
  fuzz-client    the thin client under libFuzzer, with AddressSanitizer (5 minutes; FUZZ_SECONDS for others)
  install        install.sh and its removal killed at each of their steps, and at a power cut there (6 minutes)
  concurrency    50 pods of 4 NICs at once, then 2,000 operations by 16 workers (2 minutes)
  concurrency-qemu  the same with macvlan and ipvlan on four processors, which QEMU emulates (1 to 2 hours)
Options of the faults: --most N, at most N faults a scenario; --only TITLE, scenarios with that in their title.
Exit status 1 when a part failed.
EOT
}

cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." || exit 1
parts=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  case $1 in
    -h | --help) usage && exit 0 ;;
    faults | faults-ipvlan | fuzz | fuzz-client | install | concurrency | concurrency-qemu) parts+=("$1") ;;
    *) usage >&2 && exit 64 ;;
  esac
  shift
done
[ $# = 0 ] || shift
[ ${#parts[@]} -gt 0 ] || { usage >&2 && exit 64; }
[ "$(id -u)" = 0 ] || {
  echo "reliability.sh: it makes network namespaces: run it with sudo" >&2
  exit 1
}

purposes=(build test)
[[ " ${parts[*]} " != *-ipvlan* ]] || purposes+=(kernel)
[[ " ${parts[*]} " != *-qemu* ]] || purposes+=(qemu)
[[ " ${parts[*]} " != *" fuzz-client "* ]] || purposes+=(fuzz)
scripts/install-packages.sh "${purposes[@]}" >&2 || exit 1
[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-progress >&2 || exit 1
export PATH=$PWD/node_modules/.bin:$PATH
{ scripts/build-native.sh && ./build.sh --arch "$(node -p process.arch)"; } >&2 || exit 1

# tests PROJECT FILE [PREFIX...]: a file of the test suite, with the numbers asked for in the environment.
tests() { nice "${@:3}" node node_modules/vitest/vitest.mjs run --project "$1" --testTimeout 3600000 --reporter=verbose "$2"; }

# Whatever it finds fails the run, and is left in build/fuzz; the corpus there is where the next run begins.
fuzz_client() {
  mkdir -p build/fuzz/corpus || return 1
  clang-14 -g -O1 -std=gnu17 -fsanitize=fuzzer,address,undefined -o build/fuzz/fuzz-client test/native/fuzz-client.c || return 1
  nice build/fuzz/fuzz-client -max_total_time="${FUZZ_SECONDS:-300}" -max_len=300000 -artifact_prefix=build/fuzz/ \
    -print_final_stats=1 -verbosity=0 build/fuzz/corpus 2>&1 | grep -E 'ERROR|does not hold|Test unit|stat::(number|average)' >build/fuzz/last
  local ended=${PIPESTATUS[0]}
  cat build/fuzz/last
  return "$ended"
}

status=0
for part in "${parts[@]}"; do
  case $part in
    faults) nice node scripts/reliability/faults.ts "$@" ;;
    faults-ipvlan)
      nice scripts/test-kernel/run.sh -t 14400 -- node scripts/reliability/faults.ts --plugin ipvlan "$@"
      ;;
    fuzz) MULTI_NIC_CNI_FUZZ_RUNS=33400 tests unit test/fuzz &&
      MULTI_NIC_CNI_FUZZ_RUNS=33400 tests live test/fuzz ;;
    fuzz-client) fuzz_client ;;
    install) MULTI_NIC_CNI_INSTALL_KILLS=1 tests live test/scripts/install/faults &&
      MULTI_NIC_CNI_INSTALL_KILLS=1 tests live test/scripts/install/power-cut ;;
    concurrency-qemu)
      MULTI_NIC_CNI_OPERATIONS=${MULTI_NIC_CNI_OPERATIONS:-2000} MULTI_NIC_CNI_REQUIRE="macvlan ipvlan" \
        tests live test/live/concurrency scripts/test-kernel/qemu/run.sh -t 14400 -m 6G --
      ;;
    concurrency) MULTI_NIC_CNI_OPERATIONS=2000 tests live test/live/concurrency ;;
  esac || status=1
done
exit $status
