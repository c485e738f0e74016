# shellcheck shell=dash
# What CRI-O's configuration says of CNI: /etc/crio/crio.conf, then /etc/crio/crio.conf.d/* in the order of names, of
# which the last that has a key counts (crio.conf.d(5)).

# crio_values KEY: the texts that KEY of [crio.network] has, one a line.
crio_values() {
  local key=$1 file
  set --
  for file in "$root"/etc/crio/crio.conf "$root"/etc/crio/crio.conf.d/*; do
    [ ! -f "$file" ] || set -- "$@" "$file"
  done
  [ $# -gt 0 ] || return 0
  awk -v key="$key" '
    FNR == 1 { section = ""; open = 0 }
    { sub(/#.*/, "") }
    !open && /^[ \t]*\[/ { section = $0; gsub(/[ \t\r]/, "", section); next }
    !open && section == "[crio.network]" && $0 ~ "^[ \t]*" key "[ \t]*=" {
      sub(/^[^=]*=[ \t]*/, "")
      values = ""
      open = 1
    }
    # A list may go over several lines.
    open { values = values $0; if (values !~ /^\[/ || values ~ /\]/) open = 0 }
    END {
      while (match(values, /"[^"]*"|\047[^\047]*\047/)) {
        print substr(values, RSTART + 1, RLENGTH - 2)
        values = substr(values, RSTART + RLENGTH)
      }
    }
  ' "$@"
}

# crio_bin_dirs: its folders of plugins, one a line.
crio_bin_dirs() { crio_values plugin_dirs | sed -n 's|^/var/run/|/run/|; s|/*$||; \|^/[A-Za-z0-9/._-]*$|p'; }

# crio_bin_dir FOLDER: FOLDER where CRI-O has its plugins there, else where it has them: where a reboot leaves them, if
# there is such a folder.
crio_bin_dir() {
  local each folders lasting=''
  folders=$(crio_bin_dirs)
  for each in $1 $folders; do
    printf '%s\n' "$folders" | grep -qxF -e "$each" || continue
    if is_volatile "$each"; then continue; fi
    if [ "$each" = "$1" ] || { [ -d "$root$each" ] && [ -w "$root$each" ]; }; then : "${lasting:=$each}"; fi
  done
  if [ -n "$lasting" ]; then
    echo "$lasting"
  elif [ -z "$folders" ] || printf '%s\n' "$folders" | grep -qxF -e "$1"; then
    echo "$1"
  else
    printf '%s\n' "$folders" | head -n 1
  fi
}

# crio_network: the name of the network that CRI-O waits for, where it reads our configuration by itself and was given
# one. The name that it is given for Multus is for Multus' own configuration.
crio_network() {
  local name
  is_read_by_runtime || return 0
  name=$(crio_values cni_default_network)
  case $name in
    multus-cni-network | *[!A-Za-z0-9._-]*) ;;
    *) printf '%s' "$name" ;;
  esac
}

# is_read_by_runtime: whether the runtime itself takes the node's network from our folder, with no Multus between.
is_read_by_runtime() {
  local file
  [ "$multus_dir" = "$conf_dir" ] || return 1
  for file in "$root$conf_dir"/00-multus*; do
    [ ! -e "$file" ] || return 1
  done
}
