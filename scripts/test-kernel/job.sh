# A command to run in a test kernel: its options, its folder, its output and its end. Sourced by the
# runners, which start the machine in between. Everything about a run is in one folder, $job, which
# the guest mounts too.
# shellcheck shell=bash disable=SC2034 # the runners read these

memory=2G seconds=600 verbose='' stdin=/dev/null writable=() environment=()
vm=''

die() {
  echo "${0##*/}: $*" >&2
  exit 125
}

# Of --help: what common_option takes, and how it ends.
common_usage() {
  cat <<'EOT'
stdout, stderr and the exit status are COMMAND's.
  -w DIR         COMMAND may write into DIR
  -m MEMORY      the kernel's memory, which also holds what COMMAND writes; default 2G
  -t SECONDS     ends it all after so long; default 600
  -e NAME        passes the environment variable NAME on, or sets NAME=VALUE;
                 PATH, HOME, LANG, CI, NO_COLOR and MULTI_NIC_CNI_* are passed on as they are
  -i             COMMAND reads this command's stdin, read to its end beforehand; else it reads nothing
  -v             prints the kernel's console and the times of start and end to stderr
Exit status 124: the time was up. 125: the kernel did not start, or ended before COMMAND did.
EOT
}

# common_option LETTER VALUE: takes one of w:m:t:e:ivh; the runner has usage().
common_option() {
  case $1 in
    w) writable+=("$(readlink -e "$2")") || die "-w $2: no such folder" ;;
    m) memory=$2 ;;
    t) seconds=$2 ;;
    e) environment+=("$2") ;;
    i) stdin= ;;
    v) verbose=1 ;;
    h) usage && exit 0 ;;
    *) usage >&2 && exit 125 ;;
  esac
}

# prepare_job MODULES COMMAND [ARG]...: the run's folder, with the command, its folder and
# environment as a script for the guest. MODULES are the kernel's.
prepare_job() {
  local modules=$1 name item
  shift
  [ "$(id -u)" = 0 ] || die "must be root, to keep the kernel in namespaces of its own; run it with sudo"
  # Not under TMPDIR: the kernel's command line cannot quote a blank.
  job=$(mktemp -d /tmp/test-kernel.XXXXXX)
  trap clean_up EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
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
  echo "$modules" >"$job/modules"
  : >"$job/load"
  cp "$(dirname "${BASH_SOURCE[0]}")/init" "$job/init"
  : >"$job/stdout" && : >"$job/stderr"
}

clean_up() {
  # The vm is the parent of a PID namespace's first process: with it ends every process inside.
  [ -z "$vm" ] || kill -KILL "$vm" 2>/dev/null || true
  [ -z "$vm" ] || wait "$vm" 2>/dev/null || true
  rm -rf "$job"
}

# run_machine SCRIPT [ARG]...: runs the machine by a bash script, as the first process of a PID
# namespace; passes the command's output on while it runs.
run_machine() {
  local out err
  # setpriv and --kill-child: even when this shell is killed outright, nothing stays behind. setsid:
  # the terminal's Ctrl-C is for this shell, which then ends the kernel.
  setpriv --pdeathsig KILL setsid unshare --mount --pid --fork --kill-child \
    bash -c "$1" test-kernel "${@:2}" </dev/null >"$job/console" 2>&1 &
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
}

# finish COMMAND...: ends with the command's status, or says why there is none.
finish() {
  [ -z "$verbose" ] || cat "$job/console" >&2
  if [ -s "$job/status" ]; then
    [ -z "$verbose" ] || echo "${0##*/}: seconds after the kernel's start: $(paste -sd' ' "$job/times")" >&2
    exit "$(cat "$job/status")"
  fi
  if [ "$ended" = 124 ] || [ "$ended" = 137 ]; then
    echo "${0##*/}: ended after $seconds seconds (-t), before the command did: $*" >&2
    exit 124
  fi
  echo "${0##*/}: the kernel ended ($ended) before the command did: $*; the end of its console:" >&2
  tail -n 30 "$job/console" >&2
  exit 125
}
