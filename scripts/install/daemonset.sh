# shellcheck shell=dash
# The Multus DaemonSet of the DPUs' own that option 1 needs: the cluster's, with another name, node selector and
# readiness indicator. Made from what runs, so that its image, folders and rights are those that work in this cluster.

print_multus_dpu() {
  local namespace name text config
  kube=$(command -v oc || command -v kubectl) ||
    refuse "--print-multus-dpu reads the cluster's Multus and needs oc or kubectl: run it where you have one"
  namespace=openshift-multus name=multus
  if ! text=$(cluster_get $namespace daemonset/$name); then
    namespace=kube-system name=kube-multus-ds
    text=$(cluster_get $namespace daemonset/$name) ||
      refuse "no Multus found: neither daemonset/multus in openshift-multus nor daemonset/kube-multus-ds in kube-system can be read with this kubeconfig"
  fi
  config=''
  case $text in
    *'name: multus-daemon-config'*)
      config=$(cluster_get "$namespace" configmap/multus-daemon-config) ||
        refuse "configmap/multus-daemon-config in $namespace cannot be read, which daemonset/$name uses"
      ;;
  esac
  case $config$text in
    *readinessindicatorfile* | *readiness-indicator-file=*) ;;
    *) refuse "daemonset/$name in $namespace waits for no readiness indicator, so it takes 10-infra-dpu-cni.conf as it is: it needs no multus-dpu beside it" ;;
  esac
  text=$(printf '%s\n' "$text" | daemonset_for_dpus $namespace) || text=''
  [ -z "$config" ] || config=$(printf '%s\n' "$config" | config_for_dpus $namespace)
  case $config$text in
    *kind:\ DaemonSet*10-infra-dpu-cni.conf* | *10-infra-dpu-cni.conf*kind:\ DaemonSet*) ;;
    *) refuse "daemonset/$name in $namespace is of a form that is not known here: copy it by hand, with what docs/dpu.md says to change" ;;
  esac
  cat <<EOT
# daemonset/$name of $namespace, for the nodes with the label $node_selector alone, with 10-infra-dpu-cni.conf for its
# readiness indicator. Print it again after an upgrade of Multus.
EOT
  [ -z "$config" ] || printf -- '---\n%s\n' "$config"
  printf -- '---\n%s\n' "$text"
}

# cluster_get NAMESPACE KIND/NAME: as YAML, keys in their order, indented by two, as both oc and kubectl print it.
cluster_get() { "$kube" ${kubeconfig:+--kubeconfig "$kubeconfig"} get -n "$1" "$2" -o yaml 2>/dev/null; }

# daemonset_for_dpus NAMESPACE: stdin to stdout.
daemonset_for_dpus() {
  awk -v namespace="$1" -v key="${node_selector%%=*}" -v value="${node_selector#*=}" '
    # What stands beside our own entry in the node selector, and whether an affinity keeps it off these very nodes.
    { lines[NR] = $0 }
    /^      [^ -]/ { under = $1 }
    under == "nodeSelector:" && /^        / && $1 != key ":" { others = others $0 "\n" }
    under == "affinity:" && $0 ~ "key: " key "$" { kept_off = 1 }
    END {
      for (i = 1; i <= NR; i++) one(lines[i])
      if (!selected || !labelled || !compact) exit 1
    }
    function one(line) {
      if (line ~ /^[^ ]/) section = line
      if (line ~ /^  [^ -]/) part = line
      if (line ~ /^    [^ -]/) half = line
      if (line ~ /^      [^ -]/) entry = line
      if (section == "status:") return
      if (section == "metadata:") {
        if (line == section)
          printf "metadata:\n  labels:\n    app: multus-dpu\n  name: multus-dpu\n  namespace: %s\n", namespace
        return
      }
      if (section == "spec:" && part == "  selector:") {
        if (line == part) print "  selector:\n    matchLabels:\n      app: multus-dpu"
        return
      }
      if (section == "spec:" && part == "  template:" && half == "    metadata:" && in_metadata(line)) return
      if (section == "spec:" && part == "  template:" && half == "    spec:" && in_pod_spec(line)) return
      print renamed(line)
    }
    function in_metadata(line) {
      if (entry ~ /^      creationTimestamp:/ && line == entry) return 1
      if (entry != "      labels:") return 0
      labelled = 1
      # The labels of the cluster DaemonSet would let it, or a Service, take these pods for its own.
      if (line == entry) print line "\n        app: multus-dpu"
      else if (line ~ /^        name: /) print "        name: multus-dpu"
      else if (line !~ /^        app: /) return 0
      return 1
    }
    function in_pod_spec(line) {
      if (line == half) {
        selected = 1
        printf "%s\n      nodeSelector:\n        %s: \"%s\"\n%s", line, key, value, others
        return 1
      }
      # Depths are counted on: a list is no deeper than its key.
      if (entry == "      containers:" && line ~ /^      - /) compact = 1
      return entry == "      nodeSelector:" || entry == "      affinity:" && kept_off
    }
    function renamed(line, was) {
      # At this depth it is the configuration map of a volume; the volume and its mounts have the name, too.
      if (entry == "      volumes:" && line == "          name: multus-daemon-config")
        return "          name: multus-dpu-daemon-config"
      if (!match(line, /readiness-indicator-file=[^" ;]*/)) return line
      was = substr(line, RSTART, RLENGTH)
      sub(/[^\/]*$/, "10-infra-dpu-cni.conf", was)
      return substr(line, 1, RSTART - 1) was substr(line, RSTART + RLENGTH)
    }
  '
}

# config_for_dpus NAMESPACE: stdin to stdout. The JSON in it is a text over lines, or within quotes.
config_for_dpus() {
  awk -v namespace="$1" '
    /^[^ ]/ { section = $0 }
    section == "metadata:" {
      if ($0 == section)
        printf "metadata:\n  labels:\n    app: multus-dpu\n  name: multus-dpu-daemon-config\n  namespace: %s\n", namespace
      next
    }
    match($0, /readinessindicatorfile\\?": *\\?"[^"\\]*/) {
      was = substr($0, RSTART, RLENGTH)
      sub(/[^\/]*$/, "10-infra-dpu-cni.conf", was)
      $0 = substr($0, 1, RSTART - 1) was substr($0, RSTART + RLENGTH)
    }
    { print }
  '
}
