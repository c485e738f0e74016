#!/usr/bin/env bash
# Fetches Debian's kernel and QEMU, with all that QEMU is linked with, into build/test-kernel-qemu.
# Nothing on the system changes, and it needs nothing of the system's libraries.
set -euo pipefail

usage() {
  cat <<'EOT'
Usage: get.sh [--force]
Puts Debian's kernel and a QEMU for it into build/test-kernel-qemu, unless they are there:
  vmlinuz, modules/   the kernel of Debian 13, with igb, igbvf, ipvlan, macvlan, 8021q, bonding, openvswitch,
                      rdma_rxe, ...
  qemu, virtiofsd     the emulator, and what shows it this machine's files
  lib/, data/         what these two are linked with, and QEMU's firmware
  VERSION             the Debian packages they came from
  --force             fetch it anew
Environment: DEBIAN_MIRROR, DEBIAN_KEYRING, as for get-kernel.sh
EOT
}

# The release with QEMU >= 8, whose igb has virtual functions.
readonly SUITE=trixie
readonly PACKAGES=(linux-image-amd64 qemu-system-x86 virtiofsd)
# Kinds of devices that no guest of ours has; they are most of the modules.
readonly UNUSED=(drivers/gpu drivers/media drivers/staging drivers/scsi drivers/iio drivers/infiniband/ulp
  drivers/net/wireless sound)

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../../.." && pwd)
kernel=$root/build/test-kernel-qemu

die() {
  echo "get.sh: $*" >&2
  exit 1
}

# shellcheck source=scripts/test-kernel/debian.sh
. "$root/scripts/test-kernel/debian.sh"

# Lays out the fetched packages of FOLDER/*.deb as FOLDER/kernel.
lay_out() {
  local folder=$1 deb version unused
  mkdir -p "$folder/kernel/lib" "$folder/kernel/modules/lib/modules" "$folder/system"
  for deb in "$folder"/*.deb; do
    dpkg-deb -x "$deb" "$folder/system"
    case ${deb##*/} in
      linux-image-*-amd64_* | qemu-system-x86_* | virtiofsd_*) dpkg-deb -W "$deb" >>"$folder/kernel/VERSION" ;;
    esac
  done
  mv "$folder"/system/boot/vmlinuz-* "$folder/kernel/vmlinuz"
  mv "$folder/system/usr/bin/qemu-system-x86_64" "$folder/kernel/qemu"
  mv "$folder/system/usr/libexec/virtiofsd" "$folder/kernel/virtiofsd"
  find "$folder/system/usr/lib/x86_64-linux-gnu" -maxdepth 1 -name '*.so*' -exec mv -t "$folder/kernel/lib" {} +
  mkdir "$folder/kernel/data"
  cp -R "$folder"/system/usr/share/{qemu,seabios} "$folder/kernel/data"
  # busybox loads the modules in the guest: unpacked, with the index that it makes itself.
  mv "$folder"/system/usr/lib/modules/* "$folder/kernel/modules/lib/modules"
  version=$(ls "$folder/kernel/modules/lib/modules")
  for unused in "${UNUSED[@]}"; do rm -rf "$folder/kernel/modules/lib/modules/$version/kernel/$unused"; done
  find "$folder/kernel/modules" -name '*.ko.xz' -exec xz --decompress --quiet {} +
  busybox depmod -b "$folder/kernel/modules" "$version"
}

read_force "$@"
[ "$(uname -m)" = x86_64 ] || die "it is Debian's QEMU for x86_64; this machine is $(uname -m)"

lock_kernel
# What an older get.sh laid out lacks the modules of RDMA.
if [ -n "$force" ] || ! grep -qs infiniband/core "$kernel"/modules/lib/modules/*/modules.dep; then
  need_tools qemu apt-get dpkg-deb xz busybox
  renew_kernel "${PACKAGES[@]/%/+}"
fi
say_kernel
