# shellcheck shell=dash
# Multus: its pod on this node, and whom its configuration names.

multus_namespace() {
  case $flavor in
    openshift | microshift) echo openshift-multus ;;
    *) echo kube-system ;;
  esac
}

check_restart() {
  [ -n "$restart" ] || return 0
  kube=$(command -v oc || command -v kubectl) ||
    refuse "--restart-multus needs oc or kubectl, and neither is here: run, where you have one: $(restart_command)"
  : "${kubeconfig:=${KUBECONFIG:-/var/lib/kubelet/kubeconfig}}"
  [ -r "$kubeconfig" ] || refuse "--kubeconfig $kubeconfig cannot be read: name one that may delete this node's pods"
}

# restart_command: in words, for an administrator. Option 1 has a DaemonSet of its own, which goes before the removal.
restart_command() { printf 'oc delete pod %s' "$(pods_to_restart)"; }

pods_to_restart() {
  local app='multus'
  [ "$option" != 1 ] || [ -n "$uninstall" ] || app='multus-dpu'
  echo "-n $(multus_namespace) -l app=$app --field-selector spec.nodeName=${node:-$(uname -n)}"
}

# multus_names_us: whether 00-multus.conf leads to infra-dpu-cni. Thin Multus writes the delegate into it; the thick
# one names the delegate's file as clusterNetwork, and reads that at every ADD.
multus_names_us() {
  local file text network
  file=$root$conf_dir/00-multus.conf
  [ -r "$file" ] || return 1
  ! names_us "$file" || return 0
  text=$(tr -d ' \t\r\n' <"$file")
  network=$(field "$text" clusterNetwork)
  [ -n "$network" ] && names_us "$root$multus_dir/${network##*/}"
}

# warn_of_indicator: every ADD waits 45 s for an indicator that is not there, and thick Multus does not start.
warn_of_indicator() {
  local file indicator
  file=$root$conf_dir/00-multus.conf
  [ -r "$file" ] || return 0
  indicator=$(field "$(tr -d ' \t\r\n' <"$file")" readinessindicatorfile)
  [ -n "$indicator" ] && [ ! -e "$root$multus_dir/${indicator##*/}" ] || return 0
  step warning "$file waits for $indicator, which is not there: use --option 2, or give this node a Multus DaemonSet whose readinessindicatorfile is 10-infra-dpu-cni.conf"
}

restart_multus() {
  [ -n "$restart" ] || return 0
  if multus_names_us; then
    step unchanged "Multus names infra-dpu-cni already: its pod is left alone"
  elif [ -n "$dry" ]; then
    step would "$kube delete pod $(pods_to_restart)"
  else
    delete_multus_pod ||
      fail "Multus' pod could not be deleted; the rest is installed: try $(restart_command)"
    step changed "deleted this node's Multus pod; its DaemonSet makes another"
  fi
}

# shellcheck disable=SC2046 # options
delete_multus_pod() { "$kube" --kubeconfig "$kubeconfig" delete pod $(pods_to_restart) --wait=false >&2; }

wait_for_multus() {
  local left=$wait_seconds
  if [ -n "$dry" ]; then
    [ "$left" = 0 ] || step would "wait up to $left s for $root$conf_dir/00-multus.conf to name infra-dpu-cni"
    return 0
  fi
  until multus_names_us; do
    if [ "$left" -le 0 ]; then
      [ "$wait_seconds" = 0 ] ||
        fail "$root$conf_dir/00-multus.conf did not name infra-dpu-cni after $wait_seconds s; the rest is installed: see oc logs of the pod ($(pods_to_restart))"
      [ ! -e "$root$conf_dir/00-multus.conf" ] ||
        step warning "Multus still has the network of before: restart its pod: $(restart_command)"
      return 0
    fi
    sleep 1
    left=$((left - 1))
  done
  step unchanged "$root$conf_dir/00-multus.conf leads to infra-dpu-cni"
  warn_of_indicator
}

# release_multus: after the configuration was taken back. A thin Multus has the delegate in its own, which it writes when
# it starts: until then each ADD calls infra-dpu-cni, and so does the DEL that it replays. Sets held: why the executable
# has to stay.
release_multus() {
  local file=$root$conf_dir/00-multus.conf left=$wait_seconds asked=''
  held=''
  names_us "$file" || return 0
  if [ -n "$restart" ] && [ -n "$dry" ]; then
    step would "$kube delete pod $(pods_to_restart), and wait up to $left s for $file to name another"
    return 0
  elif [ -n "$restart" ] && delete_multus_pod; then
    step changed "deleted this node's Multus pod; its DaemonSet makes another"
    asked=1
  elif [ -n "$restart" ]; then
    held="$file names infra-dpu-cni, and Multus' pod could not be deleted: try $(restart_command), then run this again"
    return 0
  fi
  while [ "$left" -gt 0 ] && [ -z "$dry" ] && names_us "$file"; do
    sleep 1
    left=$((left - 1))
  done
  if ! names_us "$file"; then
    step unchanged "$file no longer names infra-dpu-cni"
  elif [ -n "$asked" ]; then
    held="$file still names infra-dpu-cni after $wait_seconds s: see oc logs of the pod ($(pods_to_restart)), then run this again"
  else
    held="$file names infra-dpu-cni until Multus' pod is restarted: $(restart_command); then run this again"
  fi
}
