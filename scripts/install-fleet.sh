#!/usr/bin/env bash
# Runs install.sh on many DPUs from the provisioning host, over ssh: one first, then a few at a time.
set -euo pipefail

usage() {
  cat <<'EOT'
Usage: install-fleet.sh [OPTION]... INVENTORY [-- INSTALL_OPTION...]
Copies the executables to each DPU of the inventory and runs install.sh there, by sudo, with the INSTALL_OPTIONs
(see install.sh --help; among them --uninstall and --dry-run).
INVENTORY has a DPU a line: what ssh calls it, an IPv6 address also in brackets, then options of install.sh for this one
alone; # starts a comment:
  core@192.168.123.191  --node bf2-worker-45
Options:
  --parallel N         how many at once (default 4)
  --canary HOST        which is done first, alone (default: the first of the inventory); none of the others is
                       touched unless it succeeds
  --continue           go on with the others though one has failed
  --resume             pass over those that the last run with this --out has done, with the same executables and options
  --out DIR            logs and reports (default: fleet-report)
  --dist DIR           where linux-x64 and linux-arm64 are, as build.sh makes them (default: beside this script, else
                       dist)
  --staging DIR        a folder on the DPU (default: /var/home/core); files go to a folder of our own in it,
                       multi-nic-cni-fleet, and only that is taken away again
  --user NAME          where the inventory names none (default: core)
  --ssh-config FILE    for ssh's -F. Keys, agents and known hosts are ssh's own affair; it is never let ask a question
Prints a line a step and a table. Reports: DIR/report.json, DIR/<host>.json (install.sh's own), DIR/<host>.log.
Exit status: 0 all done; 1 one failed or was not tried; 3 all done, but something is left to you; 64 bad options.
EOT
}

bad_usage() {
  echo "install-fleet.sh: $*; see --help" >&2
  exit 64
}

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd -P)
parallel=4 canary='' go_on='' resume='' out=fleet-report dist=$here staging=/var/home/core user=core
# In dist itself the executables are beside it.
[ -d "$here/linux-x64" ] || [ -d "$here/linux-arm64" ] || dist=$here/../dist
inventory='' ssh_config=() install_options=()
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage && exit 0 ;;
    --parallel | --canary | --out | --dist | --staging | --user | --ssh-config)
      [ $# -gt 1 ] || bad_usage "$1 needs a value"
      case $1 in
        --parallel) parallel=$2 ;;
        --canary) canary=$2 ;;
        --out) out=$2 ;;
        --dist) dist=$2 ;;
        --staging) staging=$2 ;;
        --user) user=$2 ;;
        --ssh-config) ssh_config=(-F "$2") ;;
      esac
      shift
      ;;
    --continue) go_on=1 ;;
    --resume) resume=1 ;;
    --) shift && install_options=("$@") && break ;;
    -*) bad_usage "\"$1\" is no option" ;;
    *) [ -z "$inventory" ] || bad_usage "one inventory, please: \"$1\" is another" && inventory=$1 ;;
  esac
  shift
done
[[ $parallel =~ ^[1-9][0-9]*$ ]] || bad_usage "--parallel $parallel: give a number above 0"
[[ $staging =~ ^/[A-Za-z0-9/._-]+$ ]] || bad_usage "--staging $staging: give an absolute path of letters, digits, . _ and -"
work=${staging%/}/multi-nic-cni-fleet
[ -n "$inventory" ] || bad_usage "name an inventory"
[ -r "$inventory" ] || bad_usage "the inventory $inventory cannot be read"
ssh_options=(${ssh_config[@]+"${ssh_config[@]}"} -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=15
  -o ServerAliveCountMax=4)

# What goes to a shell on the DPU is made of these alone: no quoting is needed there, and nothing can be smuggled in.
plain='^[][A-Za-z0-9@%+=:,./_-]+$'
for word in ${install_options[@]+"${install_options[@]}"}; do
  [[ $word =~ $plain ]] || bad_usage "\"$word\": only letters, digits and @%+=:,./_-[] can be sent to a DPU"
done

# read_inventory: hosts, and options_of[host].
hosts=()
declare -A options_of=() result_of=() seconds_of=() words_of=() host_of=()
read_inventory() {
  local line words word
  while IFS= read -r line || [ -n "$line" ]; do
    read -ra words <<<"${line%%#*}"
    [ ${#words[@]} -gt 0 ] || continue
    for word in "${words[@]}"; do
      [[ $word =~ $plain ]] || bad_usage "$inventory: \"$word\": only letters, digits and @%+=:,./_-[] can be used"
    done
    [[ ${words[0]} != -* ]] || bad_usage "$inventory: \"${words[0]}\" is no host"
    [ -z "${options_of[${words[0]}]+there}" ] || bad_usage "$inventory: \"${words[0]}\" is there twice"
    hosts+=("${words[0]}")
    options_of[${words[0]}]=${words[*]:1}
  done <"$inventory"
  [ ${#hosts[@]} -gt 0 ] || bad_usage "$inventory names no host"
  [ -z "$canary" ] || [ -n "${options_of[$canary]+there}" ] || bad_usage "--canary $canary is not in $inventory"
  : "${canary:=${hosts[0]}}"
}

say() { printf '%s  %s\n' "$(date +%H:%M:%S)" "$*"; }
file_of() { printf '%s/%s' "$out" "${1//[^A-Za-z0-9@._-]/_}"; }
# destination HOST: for ssh, which takes an IPv6 address without brackets.
destination() {
  local name=${1#"${1%%@*}@"} login=$user
  [[ $1 != *@* ]] || login=${1%%@*}
  name=${name#[}
  echo "$login@${name%]}"
}

# copy HOST FILE... FOLDER: by scp, which takes an IPv6 address in brackets.
copy() {
  local to files=("${@:2:$#-2}")
  to=$(destination "$1")
  [[ $to != *:* ]] || to=${to%%@*}@[${to#*@}]
  scp -q "${ssh_options[@]}" "${files[@]}" "$to:${*: -1}" </dev/null
}

# on HOST WORD...: runs them on the DPU.
on() {
  local host=$1
  shift
  ssh "${ssh_options[@]}" -- "$(destination "$host")" "$*" </dev/null
}

# fingerprint HOST: of what would be done there. The same again need not be done by --resume.
fingerprint() {
  { cat "$dist"/linux-*/SHA256SUMS && echo "${install_options[*]-} -- ${options_of[$1]}"; } | sha256sum | cut -d' ' -f1
}

# files_for HOST: the executables that install.sh will ask for there; multi-nic-cni is what the other two run.
files_for() {
  local word files=()
  for word in "${install_options[@]-}" ${options_of[$1]}; do
    case ${word#--plugin=} in
      infra-dpu-cni) files+=(infra-dpu-cni) ;;
      multi-nic | multi-nic-ipam) files+=(multi-nic-cni "${word#--plugin=}") ;;
      --uninstall) return ;;
    esac
  done
  echo "${files[*]-infra-dpu-cni}"
}

# claim: for a shell on the DPU: makes the folder there, or takes what a run that was interrupted has left of it. One
# that was not made here is refused, since it is removed in the end; and one of another user, who could change in it
# what sudo runs. An empty one is nobody's.
claim() {
  cat <<EOT
mkdir -p ${work%/*}/ || exit
rmdir $work 2>/dev/null
if mkdir -m 700 $work 2>/dev/null; then
  : >$work/.install-fleet
elif [ -L $work ] || [ -e $work ]; then
  [ ! -L $work ] && [ -O $work ] && [ -e $work/.install-fleet ] || { echo taken; exit 1; }
fi
mkdir -p $work/new
EOT
}

# stage HOST ARCH: install.sh and the executables for it. Those that are there already, staged or installed, and whole,
# are not copied again.
stage() {
  local host=$1 from=$dist/linux-$2 file sum find
  for file in SHA256SUMS install.sh; do
    [ -e "$from/$file" ] || { echo "$from/$file is missing: build for this architecture by build.sh" && return 1; }
  done
  copy "$host" "$from/install.sh" "$from/SHA256SUMS" "$work/new/" || return
  for file in $(files_for "$host"); do
    sum=$(sed -n "s/^\([0-9a-f]*\) [ *]$file\$/\1/p" "$from/SHA256SUMS")
    find="for folder in $work /var/lib/cni/bin /opt/cni/bin /run/cni/bin; do"
    find+=" echo $sum ' '\$folder/$file | sha256sum --check --status 2>/dev/null || continue;"
    find+=" [ \$folder = $work ] || ln -sf \$folder/$file $work/$file; exit; done; exit 1"
    if on "$host" "$find"; then
      echo "$file is there already"
    else
      copy "$host" "$from/$file" "$work/" || return
      echo "copied $file"
    fi
  done
}

# install HOST: everything for one DPU. What it prints is the host's log; the last line says what went wrong.
install() {
  local host=$1 machine arch json status=0
  json=$(file_of "$host").json
  if ! machine=$(on "$host" uname -m "
$(claim)"); then
    case $machine in
      '') echo "cannot be reached by ssh, or does not let $user in without a question" ;;
      *taken) echo "$work is there and is not ours: put it away, or give another folder by --staging DIR" ;;
      *) echo "the folder $work cannot be made there" ;;
    esac
    return 1
  fi
  case $machine in
    x86_64) arch=x64 ;;
    aarch64) arch=arm64 ;;
    *) echo "is a $machine; there are executables for x86_64 and aarch64" && return 1 ;;
  esac
  stage "$host" "$arch" || { echo "files could not be copied to $work" && return 1; }
  # By a rename: an install.sh of a run that was interrupted may still be reading its file.
  # shellcheck disable=SC2086 # words of the inventory
  on "$host" mv -f "$work/new/*" "$work/" '&&' sudo -n sh "$work/install.sh" --from "$work" --json "${install_options[@]-}" ${options_of[$host]} >"$json" || status=$?
  case $status in
    0 | 3) on "$host" rm -rf "$work" || echo "$work is left there" ;;
    *) [ -s "$json" ] || echo "install.sh could not be run by sudo -n (status $status)" ;;
  esac
  return $status
}

# run HOST: install, with its log and its outcome in files; in a process of its own.
run() {
  local host=$1 base status=0 start=$SECONDS
  base=$(file_of "$host")
  rm -f "$base".{json,status,log}
  install "$host" >"$base.log" 2>&1 || status=$?
  echo "$status $((SECONDS - start)) $(fingerprint "$host")" >"$base.part"
  mv "$base.part" "$base.status"
}

# settle HOST: reads the outcome of a run, and says it.
settle() {
  local host=$1 base status seconds rest
  base=$(file_of "$host")
  read -r status seconds rest 2>/dev/null <"$base.status" || status=137 seconds=0 rest=
  seconds_of[$host]=$seconds
  words_of[$host]=
  case $status in
    0 | 3) result_of[$host]=$(sed -n 's/^{"result":"\([^"]*\)".*/\1/p' "$base.json") ;;
    *) result_of[$host]=failed ;;
  esac
  [ "$status" = 0 ] || words_of[$host]=$(tail -n 1 "$base.log" | sed 's/^\(failed\|warning\)  *//')
  [ "$status" != 3 ] || left_to_you=1
  [ "${result_of[$host]}" != failed ] || failures=$((failures + 1))
  say "$host: ${result_of[$host]} (${seconds} s)${words_of[$host]:+: ${words_of[$host]}}"
}

# is_done HOST: whether the last run with this --out has done the very same there.
is_done() {
  local status seconds mark
  read -r status seconds mark 2>/dev/null <"$(file_of "$1").status" || return 1
  [ "$status" = 0 ] && [ "$mark" = "$(fingerprint "$1")" ]
}

# roll_out HOST...: at most $parallel at a time. Starts no more once one has failed.
roll_out() {
  local host pid
  host_of=()
  for host in "$@"; do
    while [ ${#host_of[@]} -ge "$parallel" ]; do reap; done
    [ "$failures" = 0 ] || [ -n "$go_on" ] || break
    say "$host: started"
    run "$host" &
    host_of[$!]=$host
  done
  while [ ${#host_of[@]} -gt 0 ]; do reap; done
}

# reap: waits for some of the runs of roll_out. (wait -p, which tells which, is not in every bash.)
reap() {
  wait -n || :
  for pid in "${!host_of[@]}"; do
    if kill -0 "$pid" 2>/dev/null; then continue; fi
    settle "${host_of[$pid]}"
    unset "host_of[$pid]"
  done
}

json_text() { printf '%s' "$1" | tr -d '\000-\037' | sed 's/\\/\\\\/g; s/"/\\"/g'; }

# report: one JSON object: what became of each, and install.sh's own report where there is one.
report() {
  local host json comma=''
  printf '{"failed":%d,"hosts":[' "$failures"
  for host in "${hosts[@]}"; do
    json=$(file_of "$host").json
    printf '%s\n{"host":"%s","result":"%s","seconds":%d,"message":"%s","report":' "$comma" "$(json_text "$host")" \
      "${result_of[$host]-not tried}" "${seconds_of[$host]-0}" "$(json_text "${words_of[$host]-}")"
    if [ -n "${result_of[$host]-}" ] && grep -qx '{.*}' "$json" 2>/dev/null; then tr -d '\n' <"$json"; else printf null; fi
    printf '}'
    comma=,
  done
  printf '\n]}\n'
}

table() {
  local host
  printf '\n%-36s %-16s %7s  %s\n' HOST RESULT SECONDS MESSAGE
  for host in "${hosts[@]}"; do
    printf '%-36s %-16s %7s  %s\n' "$host" "${result_of[$host]-not tried}" "${seconds_of[$host]--}" "${words_of[$host]-}"
  done
}

# stop: ends the runs with their ssh. What was not settled is not done, and --resume does it again: a DPU whose
# install.sh goes on by itself then says that nothing is left to do.
stop() {
  local pid
  trap - INT TERM
  for pid in $(jobs -p); do kill -- "-$pid" 2>/dev/null || :; done
  for pid in "${!host_of[@]}"; do result_of[${host_of[$pid]}]=interrupted; done
  report >"$out/report.json"
  table
  say "interrupted; go on by --resume" >&2
  exit 130
}

failures=0 left_to_you=''
read_inventory
mkdir -p "$out" || bad_usage "--out $out cannot be made"
# Each run in a process group of its own, so that it can be ended whole, and is not by the terminal.
set -m
trap stop INT TERM

others=()
for host in "${hosts[@]}"; do
  if [ -n "$resume" ] && is_done "$host"; then
    result_of[$host]='done before'
    say "$host: done before"
  elif [ "$host" != "$canary" ]; then
    others+=("$host")
  fi
done
[ -n "${result_of[$canary]-}" ] || roll_out "$canary"
if [ "$failures" -gt 0 ]; then
  say "the first has failed: the others are left alone"
else
  roll_out ${others[@]+"${others[@]}"}
fi
report >"$out/report.json"
table
for host in "${hosts[@]}"; do [ -n "${result_of[$host]-}" ] || failures=$((failures + 1)); done
[ "$failures" = 0 ] || exit 1
[ -z "$left_to_you" ] || exit 3
