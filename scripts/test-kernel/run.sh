#!/usr/bin/env bash
# Runs a command as root in a User-Mode Linux kernel, over this machine's own files.
set -euo pipefail

usage() {
  cat <<'EOT'
Usage: run.sh [-w DIR]... [-m MEMORY] [-t SECONDS] [-e NAME[=VALUE]]... [-i] [-v] [--] COMMAND [ARG]...
Runs COMMAND as root in the kernel that get-kernel.sh fetches, in this folder. It sees all files of
this machine; what it writes is gone afterwards, but for the folders given with -w.
EOT
  common_usage
}

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=scripts/test-kernel/job.sh
. "$here/job.sh"

[ "${1-}" != --help ] || { usage && exit 0; }
while getopts w:m:t:e:ivh option; do common_option "$option" "${OPTARG-}"; done
shift $((OPTIND - 1))
[ $# -gt 0 ] || { usage >&2 && exit 125; }
[ -x /bin/busybox ] || die "needs /bin/busybox; run: sudo scripts/install-packages.sh kernel"
"$here/get-kernel.sh" >/dev/null || die "there is no kernel to run"
kernel=$(readlink -e "$here/../../build/test-kernel")
prepare_job "$kernel/modules" "$@"
mkdir "$job/memory" "$job/uml"

# The guest's memory is a file in TMPDIR, mapped executable: on a tmpfs of its own it depends
# neither on the size nor on the mount options of this machine's /dev/shm.
# shellcheck disable=SC2016 # the inner shell expands these
guest='mount -t tmpfs -o size=0,mode=700 tmpfs "$1/memory" &&
  TMPDIR=$1/memory UML_HOME=$1 exec timeout --foreground --kill-after=5 "$2" \
    "$3" seccomp=auto mem="$4" umid=vm uml_dir="$1/uml/" \
    root=/dev/root rootfstype=hostfs rootflags=/ ro init="$1/init" job="$1" \
    panic=-1 quiet con=null con0=null,fd:1 ssl=null'
run_machine "$guest" "$job" "$seconds" "$kernel/linux" "$memory"
finish "$@"
