# shellcheck shell=dash
# What this node is, and where it has its CNI folders. Paths are the node's; "$root$path" is where they are worked on.

# find_folders: flavor, bin_dir, conf_dir and multus_dir, as far as they were not given; network, the name that CRI-O
# waits for, if it does; state.
find_folders() {
  local bin conf multus
  [ -n "$flavor" ] || flavor=$(find_flavor)
  case $flavor in
    openshift) bin=/var/lib/cni/bin conf=/etc/kubernetes/cni/net.d multus=/run/multus/cni/net.d ;;
    microshift)
      bin=/opt/cni/bin conf=/etc/cni/net.d multus=/etc/cni/net.d
      [ ! -e "$root/run/ostree-booted" ] || bin=/run/cni/bin
      ;;
    plain) bin=/opt/cni/bin conf=/etc/cni/net.d multus=/etc/cni/net.d ;;
  esac
  : "${bin_dir:=$(crio_bin_dir "$bin")}" "${conf_dir:=$conf}" "${multus_dir:=$multus}"
  # /var/run is a link to /run, which in a tree that was captured may lead out of it.
  case $multus_dir in /var/run/*) multus_dir=${multus_dir#/var} ;; esac
  hold_within_root "$bin_dir"
  hold_within_root "$conf_dir"
  hold_within_root "$multus_dir"
  network=$(crio_network)
  state=/var/lib/multi-nic-cni/install
  hold_within_root /var/lib
}

# MicroShift has OpenShift's folders in part, so it is looked for first.
find_flavor() {
  if [ -e "$root/etc/microshift" ] || [ -e "$root/var/lib/microshift" ]; then
    echo microshift
  elif [ -d "$root/etc/kubernetes/cni/net.d" ] || [ -d "$root/run/multus/cni/net.d" ]; then
    echo openshift
  else
    echo plain
  fi
}

# hold_within_root PATH: refuses one that a symbolic link takes out of the tree.
hold_within_root() {
  local real
  [ -n "$root" ] && [ -d "$root$1" ] || return 0
  real=$(cd -P "$root$1" && pwd -P)
  case $real/ in
    "$(cd -P "$root" && pwd -P)"/*) ;;
    *) refuse "$root$1 is a link out of $root, to $real" ;;
  esac
}

# architecture_of_node: x64 or arm64, as the folders of executables are named.
architecture_of_node() {
  case $(uname -m) in
    x86_64) echo x64 ;;
    aarch64) echo arm64 ;;
    *) uname -m ;;
  esac
}

# is_volatile PATH: whether a reboot empties it. A captured tree has no mounts, so there it goes by the name.
is_volatile() {
  local path=$1
  case $path in /run/*) return 0 ;; esac
  [ -z "$root" ] || return 1
  while [ ! -e "$path" ]; do path=$(dirname "$path"); done
  [ "$(stat -f -c %T "$path")" = tmpfs ]
}

has() { command -v "$1" >/dev/null 2>&1; }
