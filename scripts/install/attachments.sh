# shellcheck shell=dash
# Pods that another network has attached. Their DEL is replayed from a cache and would call that network's plugin,
# whose server does not run in dpu mode: it would fail for ever, and the pods never end.
#   /var/lib/cni/multus/<container id>             Multus' delegates of a pod
#   /var/lib/cni/results, …/multus/results         libcni's cache: CRI-O's and containerd's, and Multus' own

check_attachments() {
  local found left
  if is_conf_installed || names_us "$root$(conf_path)"; then return 0; fi
  found=$(cached_attachments | sort -u)
  attachments_json=$(printf '%s\n' "$found" | while IFS='|' read -r id pod types; do
    [ -z "$id" ] || printf ',{"containerId":"%s","pod":"%s","types":"%s"}' "$id" "$pod" "$types"
  done)
  attachments_json="[${attachments_json#,}]"
  [ -n "$found" ] || return 0
  left=$(printf '%s\n' "$found" | while IFS='|' read -r id pod types; do
    printf '%s (%.13s, %s); ' "${pod:-unknown pod}" "$id" "$types"
  done)
  if [ -n "$allow_cached" ]; then
    step warning "attached by another network, and their DEL may fail for ever: ${left%; }"
  else
    refuse "pods of another network are attached on this node, and their DEL would fail for ever: ${left%; }. Drain the node (oc adm drain --ignore-daemonsets), or go on by --allow-cached-attachments"
  fi
}

# cached_attachments: a line for each: container id|namespace/name|plugins. Sandboxes that are known to be gone, which
# nobody will ever send a DEL for, are passed over where crictl can tell.
cached_attachments() {
  local file text id types alive
  alive=$(living_sandboxes)
  for file in "$root"/var/lib/cni/multus/* "$root"/var/lib/cni/multus/results/* "$root"/var/lib/cni/results/*; do
    [ -f "$file" ] || continue
    text=$(tr -d ' \t\r\n' <"$file")
    id=$(field "$text" containerId)
    : "${id:=${file##*/}}"
    case $alive in '' | *"$id"*) ;; *) continue ;; esac
    types=$(foreign_types "$text")
    [ -z "$types" ] || printf '%s|%s|%s\n' "$id" "$(pod_of "$id")" "$types"
  done
}

# living_sandboxes: ids of all that CRI knows, or nothing where it cannot be asked.
living_sandboxes() {
  [ -z "$root" ] && has crictl || return 0
  crictl pods --quiet --no-trunc 2>/dev/null | tr '\n' ' '
}

# field TEXT KEY: the value of the last "KEY":"value" in JSON without blanks.
field() { printf '%s' "$1" | sed -n "s/.*\"$2\":\"\([^\"]*\)\".*/\1/p"; }

# foreign_types TEXT: the plugins that a cache's configuration names, less ours, Multus and loopback, whose DEL
# succeeds. libcni keeps the configuration in base64.
foreign_types() {
  local conf
  conf=$(field "$1" config)
  if [ -n "$conf" ]; then
    conf=$(printf '%s' "$conf" | base64 -d 2>/dev/null | tr -d ' \t\r\n')
  else
    conf=$1
  fi
  printf '%s' "$conf" | grep -o '"type":"[^"]*"' | cut -d'"' -f4 |
    grep -vxE 'infra-dpu-cni|multus|multus-shim|loopback' | sort -u | paste -s -d ' ' - || :
}

# pod_of ID: its namespace and name, from what the runtime gave to libcni.
pod_of() {
  local file text
  for file in "$root"/var/lib/cni/results/*"$1"* "$root"/var/lib/cni/multus/results/*"$1"*; do
    [ -f "$file" ] || continue
    text=$(tr -d ' \t\r\n' <"$file")
    printf '%s/%s' "$(cni_arg "$text" K8S_POD_NAMESPACE)" "$(cni_arg "$text" K8S_POD_NAME)"
    return
  done
}

cni_arg() { printf '%s' "$1" | sed -n "s/.*\[\"$2\",\"\([^\"]*\)\"\].*/\1/p"; }
