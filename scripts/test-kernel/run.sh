#!/usr/bin/env bash
# Runs a command as root in a User-Mode Linux kernel, over this machine's own files.
set -euo pipefail

usage() {
  cat <<'EOT'
Usage: run.sh [-w DIR]... [-m MEMORY] [-t SECONDS] [-e NAME[=VALUE]]... [-i] [-v] [--] COMMAND [ARG]...
Runs COMMAND as root in the kernel that get-kernel.sh fetches, in this folder. It sees all files of
this machine; what it writes is gone afterwards, but for the folders given with -w.
stdout, stderr and the exit status are COMMAND's.
  -w DIR      COMMAND may write into DIR
  -m MEMORY   the kernel's memory, which also holds what COMMAND writes; default 2G
  -t SECONDS  ends it all after so long; default 600
  -e NAME     passes the environment variable NAME on, or sets NAME=VALUE;
              PATH, HOME, LANG, CI, NO_COLOR and MULTI_NIC_CNI_* are passed on as they are
  -i          COMMAND reads this command's stdin, read to its end beforehand; else it reads nothing
  -v          prints the kernel's console and the times of start and end to stderr
Exit status 124: the time was up. 125: the kernel did not start, or ended before COMMAND did.
EOT
}

die() {
  echo "run.sh: $*" >&2
  exit 125
}

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
kernel=$here/../../build/test-kernel

memory=2G seconds=600 verbose='' stdin=/dev/null writable=() environment=()
[ "${1-}" != --help ] || { usage && exit 0; }
while getopts w:m:t:e:ivh option; do
  case $option in
    w) writable+=("$(readlink -e "$OPTARG")") || die "-w $OPTARG: no such folder" ;;
    m) memory=$OPTARG ;;
    t) seconds=$OPTARG ;;
    e) environment+=("$OPTARG") ;;
    i) stdin= ;;
    v) verbose=1 ;;
    h) usage && exit 0 ;;
    *) usage >&2 && exit 125 ;;
  esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || { usage >&2 && exit 125; }
[ "$(id -u)" = 0 ] || die "must be root, to keep the kernel in namespaces of its own; run it with sudo"
[ -x /bin/busybox ] || die "needs /bin/busybox; run: sudo scripts/install-packages.sh kernel"
"$here/get-kernel.sh" >/dev/null || die "there is no kernel to run"
kernel=$(readlink -e "$kernel")

# Everything about this run is in one folder, which the guest mounts too. Not under TMPDIR: the
# kernel's command line cannot quote a blank.
job=$(mktemp -d /tmp/test-kernel.XXXXXX)
vm=
cleanup() {
  # The vm is the parent of a PID namespace's first process: with it ends every process inside.
  [ -z "$vm" ] || kill -KILL "$vm" 2>/dev/null || true
  [ -z "$vm" ] || wait "$vm" 2>/dev/null || true
  rm -rf "$job"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# The command, with its folder and environment, as a script for the guest.
{
  for name in PATH HOME LANG CI NO_COLOR "${!MULTI_NIC_CNI_@}"; do
    [ -z "${!name+set}" ] || printf 'export %s=%q\n' "$name" "${!name}"
  done
  for item in "${environment[@]}"; do
    if [[ $item == *=* ]]; then printf 'export %s=%q\n' "${item%%=*}" "${item#*=}"; else
      [ -z "${!item+set}" ] || printf 'export %s=%q\n' "$item" "${!item}"
    fi
  done
  printf 'cd %q && exec' "$PWD"
  printf ' %q' "$@"
  echo
} >"$job/command"
if [ -n "$stdin" ]; then : >"$job/stdin"; else cat >"$job/stdin"; fi
printf '%s\n' "$job" "${writable[@]}" >"$job/writable"
echo "$kernel/modules" >"$job/modules"
cp "$here/init" "$job/init"
mkdir "$job/memory" "$job/uml"
: >"$job/stdout" && : >"$job/stderr"

# The guest's memory is a file in TMPDIR, mapped executable: on a tmpfs of its own it depends
# neither on the size nor on the mount options of this machine's /dev/shm.
# shellcheck disable=SC2016 # the inner shell expands these
guest='mount -t tmpfs -o size=0,mode=700 tmpfs "$1/memory" &&
  TMPDIR=$1/memory UML_HOME=$1 exec timeout --foreground --kill-after=5 "$2" \
    "$3" seccomp=auto mem="$4" umid=vm uml_dir="$1/uml/" \
    root=/dev/root rootfstype=hostfs rootflags=/ ro init="$1/init" job="$1" \
    panic=-1 quiet con=null con0=null,fd:1 ssl=null'
# setpriv and --kill-child: even when this shell is killed outright, nothing stays behind. setsid:
# the terminal's Ctrl-C is for this shell, which then ends the kernel.
setpriv --pdeathsig KILL setsid unshare --mount --pid --fork --kill-child \
  bash -c "$guest" test-kernel "$job" "$seconds" "$kernel/linux" "$memory" \
  </dev/null >"$job/console" 2>&1 &
vm=$!
# tail reads once more after the process has gone, so nothing is cut off.
tail --follow --bytes=+1 --sleep-interval=0.05 --pid=$vm "$job/stdout" &
out=$!
tail --follow --bytes=+1 --sleep-interval=0.05 --pid=$vm "$job/stderr" >&2 &
err=$!
ended=0
wait "$vm" || ended=$?
vm=
wait "$out" "$err" || true

[ -z "$verbose" ] || cat "$job/console" >&2
if [ -s "$job/status" ]; then
  [ -z "$verbose" ] || echo "run.sh: seconds after the kernel's start: $(paste -sd' ' "$job/times")" >&2
  exit "$(cat "$job/status")"
fi
if [ "$ended" = 124 ] || [ "$ended" = 137 ]; then
  echo "run.sh: ended after $seconds seconds (-t), before the command did: $*" >&2
  exit 124
fi
echo "run.sh: the kernel ended ($ended) before the command did: $*; the end of its console:" >&2
tail -n 30 "$job/console" >&2
exit 125
