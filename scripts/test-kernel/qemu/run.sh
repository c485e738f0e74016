#!/usr/bin/env bash
# Runs a command as root in Debian's kernel on several processors, in QEMU, over this machine's own files.
# With -n it has NICs with SR-IOV (Intel 82576, driver igb; its VFs have igbvf):
#   qemu/run.sh -n 1 -- bash -c 'echo 2 >/sys/class/net/eth0/device/sriov_numvfs; ip link'
#   - the PFs are eth0, eth1, ... at 0000:01:00.0, 0000:02:00.0, ..., down, each with sriov_totalvfs 7
#   - VF n of the first PF is at /sys/class/net/eth0/device/virtfn<n>; its link appears, down, a moment
#     after the write; it takes a MAC, VLAN and trust by `ip link set eth0 vf <n> ...`, and goes into a
#     network namespace and back as any link does
#   - all PFs are on one wire; what a VF sends to another of the same PF stays within the NIC
# QEMU translates every instruction (no KVM): times in it mean nothing, and a start of Node takes 0.4 s.
set -euo pipefail

usage() {
  cat <<'EOT'
Usage: run.sh [-p PROCESSORS] [-n NICS] [-w DIR]... [-m MEMORY] [-t SECONDS] [-e NAME[=VALUE]]... [-i] [-v] [--] COMMAND [ARG]...
Runs COMMAND as root in the kernel that get.sh fetches, in this folder. It sees the files of this machine as they are
when it first reads them; what it writes is gone afterwards, but for the folders given with -w.
  -p PROCESSORS  how many the kernel sees; default 4
  -n NICS        how many NICs with SR-IOV it has, at most 8; default 0
EOT
  common_usage
}

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=scripts/test-kernel/job.sh
. "$here/../job.sh"

processors=4 nics=0
[ "${1-}" != --help ] || { usage && exit 0; }
while getopts p:n:w:m:t:e:ivh option; do
  case $option in
    p) processors=$OPTARG ;;
    n) nics=$OPTARG ;;
    *) common_option "$option" "${OPTARG-}" ;;
  esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || { usage >&2 && exit 125; }
[[ $nics =~ ^[0-8]$ ]] || die "-n $nics: 0 to 8 NICs"
[ -x /bin/busybox ] || die "needs /bin/busybox; run: sudo scripts/install-packages.sh qemu"
"$here/get.sh" >/dev/null || die "there is no kernel to run"
kernel=$(readlink -e "$here/../../../build/test-kernel-qemu")
prepare_job "$(echo "$kernel"/modules/lib/modules/*)" "$@"
[ "$nics" = 0 ] || printf '%s\n' igb igbvf >"$job/load"

# QEMU's processors lose an interrupt of their timers now and then. A tick that comes by itself makes up for it, where a
# timer that is set anew for each wait would never fire again; should a processor stand still all the same, that ends the
# kernel, and it is started once more.
clock=(nohz=off highres=off rcupdate.rcu_cpu_stall_timeout=60 sysctl.kernel.panic_on_rcu_stall=1)
# Nehalem: the newest processor without "fast" string instructions, which QEMU runs byte by byte.
# memfd, shared: virtiofsd reads and writes the guest's memory.
machine=(-accel "tcg,thread=multi" -machine "q35,memory-backend=memory" -cpu Nehalem,+rdrand -smp "$processors"
  -m "$memory" -object "memory-backend-memfd,id=memory,size=$memory,share=on"
  -nodefaults -display none -no-reboot -serial stdio -L "$kernel/data/qemu" -L "$kernel/data/seabios"
  -kernel "$kernel/vmlinuz"
  -append "console=ttyS0 mitigations=off panic=-1 ${clock[*]} root=root rootfstype=virtiofs ro init=$job/init job=$job")
# share TAG: the folder that a virtiofsd serves by the socket $job/TAG.
share() {
  machine+=(-chardev "socket,id=$1,path=$job/$1" -device "vhost-user-fs-pci,chardev=$1,tag=$1")
}
share root
count=0
while read -r _; do share writable$((count++)); done <"$job/writable"
for ((nic = 1; nic <= nics; nic++)); do
  # Behind a root port of its own, as SR-IOV wants; the hub is the wire. No boot ROM.
  machine+=(-device "pcie-root-port,id=port$nic,chassis=$nic,slot=$nic" -netdev "hubport,id=wire$nic,hubid=0"
    -device "igb,bus=port$nic,netdev=wire$nic,mac=52:54:00:00:00:0$nic,romfile=")
done

# Arguments: the kernel's folder, this run's, the seconds, QEMU's.
# The root's files are kept in the guest's memory once read (--cache always): else each start of an
# executable reads its 110 MB again.
# shellcheck disable=SC2016 # the inner shell expands these
guest='kernel=$1 job=$2 seconds=$3
  shift 3
  (sleep 180; [ -s "$job/times" ] || { : >"$job/stuck"; kill -TERM 1; }) &
  own() { exec "$kernel/lib/ld-linux-x86-64.so.2" --library-path "$kernel/lib" "$kernel/$1" "${@:2}"; }
  serve() {
    (own virtiofsd --socket-path "$job/$1" --shared-dir "$2" --sandbox none --inode-file-handles=never \
      --no-announce-submounts --log-level error "${@:3}") &
    until [ -S "$job/$1" ]; do kill -0 $! || exit 1; sleep 0.02; done
  }
  serve root / --readonly --cache always
  count=0
  while read -r folder; do serve writable$((count++)) "$folder" --cache never; done <"$job/writable"
  exec timeout --foreground --kill-after=5 "$seconds" \
    "$kernel/lib/ld-linux-x86-64.so.2" --library-path "$kernel/lib" "$kernel/qemu" "$@"'
run_machine "$guest" "$kernel" "$job" "$seconds" "${machine[@]}"
# once_more WHY: the same machine again, from its start.
once_more() {
  echo "run.sh: $1; starting it once more" >&2
  rm -f "$job"/root "$job"/writable[0-9]* "$job"/{stuck,times}
  : >"$job/stdout" && : >"$job/stderr"
  run_machine "$guest" "$kernel" "$job" "$seconds" "${machine[@]}"
}
if [ -e "$job/stuck" ]; then
  once_more "the kernel was not up after 180 s"
  [ ! -e "$job/stuck" ] || die "the kernel was not up after 180 s, twice; the end of its console: $(tail -n 30 "$job/console")"
elif [ ! -s "$job/status" ] && grep -q 'RCU Stall' "$job/console"; then
  once_more "a processor of the kernel stood still"
fi
finish "$@"
