#!/bin/sh
# shellcheck shell=dash disable=SC2317 # a trap calls some of the functions
# Installs infra-dpu-cni, multi-nic or multi-nic-ipam on this node, keeps it over a reboot, and takes it away again.
# Needs a POSIX shell and what every node has: coreutils or busybox, awk, grep, sed. JSON is written by printf and inspected
# only for the type, the name and the version that it holds.
set -eu

usage() {
  cat <<'EOT'
Usage: install.sh [OPTION]...
Installs on this node, or with --uninstall takes away what it has installed. May be repeated: what is there already
is left alone.
  --plugin NAME        infra-dpu-cni (default), multi-nic or multi-nic-ipam; may be given several times
  --from DIR           the executables and SHA256SUMS (default: beside this script, else dist/linux-<this node's>)
  --option 2|1|none    2 (default): the content of 10-ovn-kubernetes.conf becomes ours
                       1: 10-infra-dpu-cni.conf beside it, for a Multus DaemonSet of the DPUs' own that waits for it
                       none: no configuration, only executables; what multi-nic and multi-nic-ipam get anyway
  --conf FILE          a configuration for infra-dpu-cni other than the default one
  --keep auto|daemonset|none
                       who puts back what is on tmpfs: auto (default): systemd units; daemonset:
                       deploy/keep-infra-dpu-cni.yaml, which you apply; none: you
  --allow-cached-attachments
                       switch although pods of another network are on this node
  --restart-multus     delete this node's Multus pod, by oc or kubectl, unless it names infra-dpu-cni already; with
                       --uninstall, if it still does
  --node NAME          this node's name in the cluster (default: its host name)
  --kubeconfig FILE    (default: $KUBECONFIG, else kubelet's own)
  --wait SECONDS       how long to wait for Multus to name infra-dpu-cni, or with --uninstall another (default: 90 with
                       --restart-multus, else 0)
  --uninstall          put back what was there before, as far as it is still ours; with --plugin only of these. An
                       executable that a configuration, or Multus' own, still names stays, and the status is 3
  --print-multus-dpu   only print the Multus DaemonSet that option 1 needs, made from the cluster's own by oc or
                       kubectl, for: oc apply -f -
  --node-selector KEY=VALUE
                       the DPUs' label, for --print-multus-dpu (default: k8s.ovn.org/dpu=)
  --dry-run            only say each step
  --json               the report as JSON on stdout; all else on stderr
Where things are, found by the node's flavor and CRI-O's configuration, or else:
  --flavor openshift|microshift|plain
  --cni-bin-dir DIR    the CNI plugins
  --cni-conf-dir DIR   the runtime's configurations, with 00-multus.conf
  --multus-dir DIR     where Multus looks for its delegate
  --root DIR           a tree to work on instead of /; no service is told of it
Exit status: 0 done, or nothing to do; 1 failed on the way (run it again); 2 refused, nothing was changed;
3 done, but something is left to you; 64 the options make no sense.
EOT
}

LC_ALL=C
export LC_ALL
umask 022
here=$(cd "$(dirname "$0")" && pwd -P)
. "$here/install/report.sh"
. "$here/install/node.sh"
. "$here/install/crio.sh"
. "$here/install/place.sh"
. "$here/install/executables.sh"
. "$here/install/configuration.sh"
. "$here/install/attachments.sh"
. "$here/install/keep.sh"
. "$here/install/multus.sh"
. "$here/install/daemonset.sh"
. "$here/install/uninstall.sh"

bad_usage() {
  echo "install.sh: $1; see --help" >&2
  exit 64
}

# value_of OPTION COUNT [VALUE]: the value, which must be there.
value_of() {
  [ "$2" -gt 1 ] || bad_usage "$1 needs a value"
  printf '%s\n' "$3"
}

plugins='' from='' option=2 conf_file='' keep=auto allow_cached='' restart='' node='' kubeconfig='' wait_seconds=''
uninstall='' print='' node_selector=k8s.ovn.org/dpu= dry='' json='' flavor='' bin_dir='' conf_dir='' multus_dir='' root=''
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage && exit 0 ;;
    --plugin | --from | --option | --conf | --keep | --node | --kubeconfig | --wait | --flavor | --cni-bin-dir | \
      --node-selector | --cni-conf-dir | --multus-dir | --root)
      name=$1 value=$(value_of "$1" $# "${2-}")
      shift
      ;;
    --*=*) name=${1%%=*} value=${1#*=} ;;
    *) name=$1 value='' ;;
  esac
  shift
  case $name in
    --plugin) plugins="$plugins $value" ;;
    --from) from=$value ;;
    --option) option=$value ;;
    --conf) conf_file=$value ;;
    --keep) keep=$value ;;
    --allow-cached-attachments) allow_cached=1 ;;
    --restart-multus) restart=1 ;;
    --node) node=$value ;;
    --kubeconfig) kubeconfig=$value ;;
    --wait) wait_seconds=$value ;;
    --uninstall) uninstall=1 ;;
    --print-multus-dpu) print=1 ;;
    --node-selector) node_selector=$value ;;
    --dry-run) dry=1 ;;
    --json) json=1 ;;
    --flavor) flavor=$value ;;
    --cni-bin-dir) bin_dir=${value%/} ;;
    --cni-conf-dir) conf_dir=${value%/} ;;
    --multus-dir) multus_dir=${value%/} ;;
    --root) root=${value%/} ;;
    *) bad_usage "\"$name\" is no option" ;;
  esac
done
for plugin in $plugins; do
  case $plugin in
    infra-dpu-cni | multi-nic | multi-nic-ipam) ;;
    *) bad_usage "--plugin $plugin: name infra-dpu-cni, multi-nic or multi-nic-ipam" ;;
  esac
done
case $option in 1 | 2 | none) ;; *) bad_usage "--option $option: use 1, 2 or none" ;; esac
case $keep in auto | daemonset | none) ;; *) bad_usage "--keep $keep: use auto, daemonset or none" ;; esac
case $flavor in '' | openshift | microshift | plain) ;; *) bad_usage "--flavor $flavor: use openshift, microshift or plain" ;; esac
case $node_selector in
  *[!A-Za-z0-9/._=-]* | =* | *=*=*) bad_usage "--node-selector $node_selector: give KEY=VALUE" ;;
  *=*) ;;
  *) bad_usage "--node-selector $node_selector: give KEY=VALUE" ;;
esac
[ -z "$print" ] || [ -z "$json" ] || bad_usage "--print-multus-dpu prints YAML: leave --json out"
case $wait_seconds in *[!0-9]*) bad_usage "--wait $wait_seconds: give whole seconds" ;; esac
for folder in "$bin_dir" "$conf_dir" "$multus_dir" "$root"; do
  case $folder in *[!A-Za-z0-9/._-]* | [!/]*) bad_usage "\"$folder\": give an absolute path of letters, digits, . _ and -" ;; esac
done
: "${wait_seconds:=${restart:+90}}" "${wait_seconds:=0}"

# is_wanted PLUGIN: whether it is among those to install.
is_wanted() {
  case " $plugins " in *" $1 "*) ;; *) return 1 ;; esac
}

# Whether a configuration is put there.
configures() { [ "$option" != none ] && is_wanted infra-dpu-cni; }

# All that can be refused is found out before the first change, and all that takes space is written before the first
# rename: a full disk, too, leaves the node as it was.
install_all() {
  find_source
  check_executables
  ! configures || check_configuration
  ! configures || check_attachments
  check_keeping
  check_restart
  open_state
  stage_executables
  ! configures || stage_configuration
  keep_copies
  phase=changing
  place_executables
  # Before the configuration, lest a reboot leave one whose plugin was on tmpfs.
  keep_units
  ! configures || place_configuration
  ! configures || restart_multus
  ! configures || wait_for_multus
}

begin
[ -z "$print" ] || { print_multus_dpu && exit 0; }
[ "$(id -u)" = 0 ] || [ -n "$root" ] || refuse "must be root: run it with sudo"
find_folders
if [ -n "$uninstall" ]; then
  uninstall_all
else
  : "${plugins:=infra-dpu-cni}"
  install_all
fi
finish
