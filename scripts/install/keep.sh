# shellcheck shell=dash
# Keeping what is on tmpfs: a systemd service puts it back at boot, and a path unit when the folder changes; or a
# DaemonSet, deploy/keep-infra-dpu-cni.yaml, calls the same script every two seconds.

unit_dir=/etc/systemd/system
unit=multi-nic-cni-keep

keeps_executables() { [ "$keep" != none ] && is_volatile "$bin_dir"; }
keeps_configuration() { [ "$keep" != none ] && configures && is_volatile "$multus_dir"; }

check_keeping() {
  if keeps_executables || keeps_configuration; then
    [ "$keep" = auto ] || return 0
    [ -n "$root" ] || [ -d /run/systemd/system ] ||
      refuse "$multus_dir or $bin_dir is on tmpfs, which a reboot empties, and there is no systemd to put it back: use --keep daemonset with deploy/keep-infra-dpu-cni.yaml, or --keep none and install.sh after each boot"
    [ ! -d "$root$unit_dir" ] || [ -w "$root$unit_dir" ] || refuse "$root$unit_dir cannot be written"
  elif [ "$keep" != none ]; then
    return 0
  elif is_volatile "$bin_dir" || { configures && is_volatile "$multus_dir"; }; then
    step warning "$multus_dir or $bin_dir is on tmpfs: after a reboot, put back what was there by install.sh"
  fi
}

# keep_copies: of what is on tmpfs, on disk.
keep_copies() {
  local plugin
  [ -z "$dry" ] || return 0
  if keeps_executables; then
    for plugin in $files; do keep_copy "$from/$plugin" 0755 "$bin_dir/$plugin"; done
  fi
  keeps_configuration || return 0
  save conf our_conf
  keep_copy "$root$state/conf" 0644 "$(conf_path)"
}

keep_units() {
  local before=$changes
  keeps_executables || keeps_configuration || return 0
  put_text keep_script "$state/keep.sh" 0755
  [ "$keep" = auto ] || return 0
  put_text service_unit "$unit_dir/$unit.service" 0644
  put_text path_unit "$unit_dir/$unit.path" 0644
  if [ "$changes" -gt "$before" ] || ! are_enabled; then enable_units; fi
}

are_enabled() {
  [ -L "$root$unit_dir/multi-user.target.wants/$unit.service" ] &&
    [ -L "$root$unit_dir/multi-user.target.wants/$unit.path" ] || return 1
  [ -n "$root" ] || systemctl --quiet is-active "$unit.path"
}

# keep_copy SOURCE MODE PATH
keep_copy() {
  local copy
  copy=$state/kept/$(mangled "$3")
  cmp -s "$1" "$root$copy" || put "$1" "$copy" "$2"
  record kept.list "$2" "$3"
}

# put_text COMMAND PATH MODE: what the command prints, unless it is there.
put_text() {
  if "$1" | cmp -s - "$root$2"; then
    step unchanged "$root$2 is as it should be"
  elif [ -n "$dry" ]; then
    step would "write $root$2"
  else
    save text "$1"
    case $2 in "$unit_dir"/*) remember "$2" "$(sum_of "$root$state/text")" ;; esac
    put "$root$state/text" "$2" "$3"
    step changed "wrote $root$2"
  fi
}

enable_units() {
  local each
  if [ -n "$dry" ]; then
    step would "enable and start $unit.service and $unit.path"
    return 0
  fi
  make_folder "$root$unit_dir/multi-user.target.wants"
  for each in "$unit.service" "$unit.path"; do
    ln -sf "$unit_dir/$each" "$root$unit_dir/multi-user.target.wants/$each"
  done
  flush "$root$unit_dir/multi-user.target.wants"
  if [ -z "$root" ]; then
    { systemctl daemon-reload && systemctl restart "$unit.path"; } ||
      fail "systemctl could not start $unit.path: see systemctl status $unit.path"
  fi
  step changed "enabled $unit.service and $unit.path: they put back what is on tmpfs"
}

# Only what is missing is put back, or what OVN-Kubernetes wrote over ours; what an administrator wrote is left.
keep_script() {
  cat <<'EOT'
#!/bin/sh
# Puts back what install.sh, which wrote this, had put where a reboot or OVN-Kubernetes has taken it.
set -eu
umask 022
here=$(cd "$(dirname "$0")" && pwd -P)
while read -r mode path; do
  copy=$here/kept/$(printf '%s' "$path" | tr / %)
  folder=$(dirname "$path")
  if [ -e "$path" ]; then
    # An executable came there whole, by a rename; to read it each time would take longer than all else.
    [ "$mode" != 0755 ] || continue
    ! cmp -s "$copy" "$path" || continue
    if ! grep -q '"ovn-k8s-cni-overlay"' "$path"; then
      echo "$path was changed by others: left as it is"
      continue
    fi
  fi
  mkdir -p "$folder"
  # Not the name that install.sh stages by, which may be at work: what it stages is what calls this script.
  temp=$folder/.$(basename "$path").multi-nic-cni-$$
  cp "$copy" "$temp"
  chmod "$mode" "$temp"
  ! command -v restorecon >/dev/null || restorecon "$temp" || :
  mv -f "$temp" "$path"
  echo "put back $path"
done <"$here/kept.list"
EOT
}

service_unit() {
  # StartLimit: OVN-Kubernetes and an administrator may change the folder often.
  cat <<EOT
[Unit]
Description=Put back CNI plugins and configurations where a reboot takes them
Before=crio.service containerd.service kubelet.service
RequiresMountsFor=$state $multus_dir
ConditionPathExists=$state/keep.sh
StartLimitIntervalSec=10
StartLimitBurst=50

[Service]
Type=oneshot
ExecStart=/bin/sh $state/keep.sh

[Install]
WantedBy=multi-user.target
EOT
}

# Some versions of ovnkube-node delete 10-ovn-kubernetes.conf when they stop.
path_unit() {
  cat <<EOT
[Unit]
Description=Watch for the CNI configuration to be taken away

[Path]
PathChanged=$multus_dir

[Install]
WantedBy=multi-user.target
EOT
}
