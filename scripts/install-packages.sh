#!/usr/bin/env bash
# Installs the Debian or Ubuntu packages that parts of this project need, by purpose.
set -euo pipefail

# One row a package: purpose | package | why. A package may serve several purposes.
# The names are the same in Debian 12 and later and in Ubuntu 22.04 and 24.04.
PACKAGES='
build      | gcc                          | compiles the native addon
build      | libc6-dev                    | C headers for the native addon
build      | binutils                     | strip, for smaller executables
cross      | gcc-aarch64-linux-gnu        | compiles the native addon for arm64
cross      | libc6-dev-arm64-cross        | C headers for arm64
cross      | libstdc++6-arm64-cross       | what Node for arm64 is linked with
cross      | binutils-aarch64-linux-gnu   | strip for arm64
cross      | qemu-user-static             | makes the code cache for arm64, and runs its executables
quickstart | iproute2                     | ip, to make hosts and NICs
quickstart | iputils-ping                 | ping, to show traffic
test       | iproute2                     | ip, to make links and to compare results with
test       | iputils-ping                 | ping, for traffic between pods
test       | containernetworking-plugins  | Go macvlan and host-local, as delegates and callers
test       | openvswitch-switch           | Open vSwitch, run by hand in a namespace, for multi-nic-doctor to look at
test       | iperf3                       | bandwidths between pods, for multi-nic-concheck
test       | ethtool                      | what multi-nic-doctor asks for hw-tc-offload
test       | openssh-server               | lets install-fleet.sh into DPUs that are namespaces
test       | openssh-client               | its ssh and scp
test       | sudo                         | what it calls install.sh by
test       | systemd                      | boots these DPUs, and keeps what install.sh has put there
test       | inotify-tools                | watches what happens to a configuration
test       | busybox-static               | a shell to run install.sh by
test       | strace                       | makes system calls fail, for the tests of faults
test       | procps                       | sysctl, for namespaces that tests make
test       | time                         | tells how much memory a call took
test       | shellcheck                   | reads the scripts
fuzz       | clang-14                     | compiles the thin client with libFuzzer (Debian 12, Ubuntu 22.04 and 24.04)
fuzz       | libclang-rt-14-dev           | libFuzzer and AddressSanitizer for it
kernel     | busybox-static               | the first process of the test kernel
kernel     | patchelf                     | lets the test kernel use its own libc
kernel     | debian-archive-keyring       | checks the signature on the test kernel
kernel     | util-linux                   | unshare and setpriv, around the test kernel
qemu       | busybox-static               | the first process of the test kernel in QEMU, and an index of modules
qemu       | xz-utils                     | unpacks its modules
qemu       | debian-archive-keyring       | checks the signatures on the kernel and on QEMU
qemu       | util-linux                   | unshare and setpriv, around QEMU
podman     | podman                       | a real CNI client
podman     | runc                         | runs its containers
containerd | containerd                   | the client of most clusters, driven by its CRI socket
containerd | runc                         | runs its sandboxes
containerd | busybox-static               | what its sandboxes run
containerd | containernetworking-plugins  | loopback, which it calls for every pod, and the bridge to be chained to
podman     | busybox-static               | is what its containers run
bench      | containernetworking-plugins  | the Go plugins to compare with
bench      | iproute2                     | ip, to make hosts and pods
bench      | gcc                          | compiles what starts the calls that are measured
bench      | libc6-dev                    | C headers for that
bench      | debian-archive-keyring       | checks the signature on the newer Go plugins
'

usage() {
  cat <<EOT
Usage: install-packages.sh [--list] PURPOSE...
Installs what is missing of the packages for each PURPOSE: $(purposes | paste -sd' ').
  --list   only say what each purpose needs and whether it is there
EOT
}

purposes() { rows | cut -d'|' -f1 | sort -u; }

# The table as purpose|package|why, less blanks.
rows() { sed -En 's/^([^ |]+) *\| *([^ |]+) *\| *(.*)$/\1|\2|\3/p' <<<"$PACKAGES"; }

die() {
  echo "install-packages.sh: $*" >&2
  exit 1
}

# Docker's containerd.io brings containerd and runc, and excludes Debian's packages of these names.
is_installed() {
  case $1 in
    containerd | runc) command -v "$1" >/dev/null && return ;;
  esac
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# is_wanted PURPOSE: whether it was named on the command line.
is_wanted() {
  local named
  for named in "${wanted[@]}"; do [ "$named" = "$1" ] && return 0; done
  return 1
}

list_only=
wanted=()
for argument in "$@"; do
  case $argument in
    -h | --help) usage && exit 0 ;;
    --list) list_only=1 ;;
    *)
      purposes | grep -qxF -e "$argument" || die "\"$argument\" is no purpose; name some of: $(purposes | paste -sd' ')"
      wanted+=("$argument")
      ;;
  esac
done
[ ${#wanted[@]} -gt 0 ] || { usage >&2 && exit 64; }
{ command -v apt-get && command -v dpkg-query; } >/dev/null ||
  die "needs Debian or Ubuntu (apt-get, dpkg-query); on another system, install the like of: $(rows | cut -d'|' -f2 | sort -u | paste -sd' ')"

missing=()
while IFS='|' read -r purpose package why; do
  is_wanted "$purpose" || continue
  if is_installed "$package"; then
    [ -z "$list_only" ] || printf '%-10s %-28s there    %s\n' "$purpose" "$package" "$why"
  elif [[ " ${missing[*]-} " != *" $package "* ]]; then
    printf '%-10s %-28s missing  %s\n' "$purpose" "$package" "$why"
    missing+=("$package")
  fi
done < <(rows)

[ -z "$list_only" ] || exit 0
if [ ${#missing[@]} -eq 0 ]; then
  echo "packages for ${wanted[*]}: all there"
  exit 0
fi
[ "$(id -u)" = 0 ] || die "must be root to install ${missing[*]}; run it with sudo"

export DEBIAN_FRONTEND=noninteractive
# A stale list of one foreign source is no reason to stop: apt-get install says what it lacks.
apt-get -qq update || echo "install-packages.sh: apt-get update failed; going on with the lists at hand" >&2
# No service is to be started for being installed: tests run their own. invoke-rc.d asks this file (policy-rc.d(8)).
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi
# Suggestions and recommendations are left out: podman's would bring a second network stack.
apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 install --no-install-recommends --no-remove --yes "${missing[@]}" </dev/null >/dev/null ||
  die "apt-get could not install ${missing[*]}; on Ubuntu, enable the universe component"
# Nor is the machine to let anybody in by ssh after its next boot, if it did not before.
if [[ " ${missing[*]} " == *' openssh-server '* ]] && command -v systemctl >/dev/null; then
  systemctl --quiet disable ssh.service ssh.socket 2>/dev/null || true
fi
echo "installed: ${missing[*]}"
