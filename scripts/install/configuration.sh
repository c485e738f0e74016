# shellcheck shell=dash
# The configuration that makes infra-dpu-cni the node's network.

# conf_for PLUGIN: what to call it with in a trial.
conf_for() {
  if [ "$1" = infra-dpu-cni ]; then
    our_conf
  else
    printf '{"cniVersion":"0.4.0","name":"self-test","type":"%s"}\n' "$1"
  fi
}

# our_conf: the configuration to install; conf-templates/10-infra-dpu-cni.conf unless another was given, or CRI-O waits
# for a network of another name.
our_conf() {
  if [ -n "$conf_file" ]; then
    cat "$conf_file"
    return
  fi
  cat <<EOT
{
  "cniVersion": "0.4.0",
  "name": "${network:-infra-dpu-cni}",
  "type": "infra-dpu-cni"
}
EOT
}

# conf_path: where it goes, by the option.
conf_path() {
  case $option in
    1) printf '%s/10-infra-dpu-cni.conf' "$multus_dir" ;;
    2) printf '%s/10-ovn-kubernetes.conf' "$multus_dir" ;;
  esac
}

# has_value FILE KEY PATTERN: whether the JSON text has "KEY": "PATTERN". Enough where any depth will do.
has_value() { [ -r "$1" ] && tr -d ' \t\r\n' <"$1" | grep -q "\"$2\":\"$3\""; }

names_us() { has_value "$1" type infra-dpu-cni; }

is_conf_installed() {
  [ -f "$root$(conf_path)" ] && our_conf | cmp -s - "$root$(conf_path)" && [ "$(stat -c %a "$root$(conf_path)")" = 644 ]
}

check_configuration() {
  local path other
  path=$(conf_path)
  if [ -n "$conf_file" ]; then
    [ -r "$conf_file" ] || refuse "--conf $conf_file cannot be read"
    names_us "$conf_file" || refuse "--conf $conf_file has no \"type\": \"infra-dpu-cni\""
    # Multus takes no other form of it for a delegate.
    has_value "$conf_file" cniVersion '[0-9]*\.[0-9]*\.[0-9]*' ||
      refuse "--conf $conf_file has no \"cniVersion\" of three parts: use \"0.4.0\""
    [ -z "$network" ] || has_value "$conf_file" name "$network" ||
      refuse "--conf $conf_file has not the \"name\": \"$network\", the cni_default_network of CRI-O's configuration: without it the node stays NotReady"
  fi
  hold_unedited "$path"
  # The delegate of Multus, as the network of a runtime, is the first in the order of names.
  for other in "$root$multus_dir"/*.conf "$root$multus_dir"/*.conflist "$root$multus_dir"/*.json; do
    [ -e "$other" ] || continue
    # Multus takes none of these.
    case $other in *.json) is_read_by_runtime || continue ;; esac
    case ${other##*/} in 00-multus* | "${path##*/}") continue ;; esac
    [ "$(printf '%s\n' "${other##*/}" "${path##*/}" | sort | head -n 1)" = "${path##*/}" ] ||
      refuse "$other comes before ${path##*/} and would be the node's network: take it out of that folder first"
  done
  [ ! -d "$root$multus_dir" ] || [ -w "$root$multus_dir" ] || refuse "$root$multus_dir cannot be written"
}

# hold_unedited PATH: refuses to overwrite what somebody has made of our configuration. OVN-Kubernetes' own is no edit.
hold_unedited() {
  [ -e "$root$1" ] && [ -n "$(first_of before "$1")" ] || return 0
  if is_ours "$1" || is_conf_installed || has_value "$root$1" type ovn-k8s-cni-overlay; then return 0; fi
  [ "$(sum_of "$root$1")" = "$(first_of before "$1")" ] ||
    refuse "$root$1 was changed by others since it was installed: keep that by --conf $root$1, or put it away first"
}

stage_configuration() {
  local path
  path=$(conf_path)
  if is_conf_installed || [ -n "$dry" ]; then return 0; fi
  make_folder "$root$multus_dir"
  save conf our_conf
  remember "$path" "$(sum_of "$root$state/conf")"
  stage "$root$state/conf" "$path" 0644
}

place_configuration() {
  local path
  path=$(conf_path)
  if is_conf_installed; then
    step unchanged "$root$path is as it should be"
  elif [ -n "$dry" ]; then
    step would "replace $root$path by a rename: $(was_there "$path")"
  else
    was=$(was_there "$path")
    unveil "$path"
    step changed "put infra-dpu-cni's configuration at $root$path,${network:+ as \"$network\", which CRI-O waits for,} by a rename: $was"
  fi
}

was_there() {
  if [ ! -e "$root$1" ]; then
    echo "there was none"
  elif names_us "$root$1"; then
    echo "it was an earlier one of ours"
  else
    echo "what was there is in $root$state/backup"
  fi
}
