# shellcheck shell=dash
# Puts back what was there, as far as what is there now is still ours. The units rest first, so that nothing comes back;
# configurations go before executables, so that none ever names a plugin that is not there; and the units between them,
# as until then a reboot may take an executable that is on tmpfs.

uninstall_all() {
  if [ ! -e "$root$state/before" ]; then
    [ -n "$dry" ] || bury
    step unchanged "nothing of ours is installed"
    return 0
  fi
  : "${plugins:=$(plugins_there)}"
  held=''
  ! is_wanted infra-dpu-cni || check_restart
  open_state
  phase=changing
  before=$(cat "$root$state/before") || fail "$root$state/before cannot be read"
  needs_standalone || plugins="$plugins multi-nic-cni"
  keeps_others || rest_units
  if is_wanted infra-dpu-cni; then
    [ -n "$dry" ] || each_before forget_kept_conf
    each_before take_back_conf
    hold_executable
  fi
  if keeps_others; then
    wake_units
  else
    disable_units
    each_before take_back_unit
  fi
  [ -n "$dry" ] || each_before forget_kept_of
  each_before take_back_executable
  each_before take_back_standalone
  forget
}

# each_before FUNCTION: calls it with the sum and the path of all that was there first.
each_before() {
  local sum path
  while read -r sum path; do "$1" "$sum" "$path"; done <<EOT
$before
EOT
}

# is_to_go PATH: whether it belongs to a plugin that is wanted away, and not held.
is_to_go() {
  case $1 in
    *.conf) is_wanted infra-dpu-cni ;;
    */infra-dpu-cni) [ -z "$held" ] && is_wanted infra-dpu-cni ;;
    *) is_wanted "${1##*/}" ;;
  esac
}

forget_kept_conf() { case $2 in *.conf) forget_kept "$2" ;; esac; }

forget_kept_of() { ! is_to_go "$2" || forget_kept "$2"; }

# keeps_others: whether the units are still needed, for another plugin or what is held.
keeps_others() {
  local mode path
  [ -e "$root$state/kept.list" ] || return 1
  while read -r mode path; do
    is_to_go "$path" || return 0
  done <"$root$state/kept.list"
  return 1
}

take_back_unit() { case $2 in *.service | *.path) take_back "$@" ;; esac; }

take_back_conf() { case $2 in *.conf) take_back "$@" ;; esac; }

take_back_executable() {
  if ! is_wanted "${2##*/}" || [ "${2##*/}" = multi-nic-cni ]; then return 0; fi
  if [ "$1 ${2##*/}" = 'absent infra-dpu-cni' ] && [ -n "$held" ]; then
    step warning "$root$2 is left: $held"
  else
    take_back "$@"
  fi
}

# What clients run goes after them, when the last has gone.
take_back_standalone() {
  if [ "${2##*/}" = multi-nic-cni ] && is_wanted multi-nic-cni; then take_back "$@"; fi
}

# needs_standalone: whether a client of multi-nic-cni stays, in the folder of today or an earlier one.
needs_standalone() {
  local sum path
  while read -r sum path; do
    case $path in */multi-nic | */multi-nic-ipam) ;; *) continue ;; esac
    if ! is_wanted "${path##*/}" && is_ours "$path"; then return 0; fi
  done <"$root$state/before"
  return 1
}

# plugins_there: all that were installed.
plugins_there() {
  local sum path
  while read -r sum path; do
    case $path in */infra-dpu-cni | */multi-nic | */multi-nic-ipam) printf ' %s' "${path##*/}" ;; esac
  done <"$root$state/before"
}

# rest_units: until the next boot, or wake_units.
rest_units() {
  local each
  if [ -n "$root" ] || [ -n "$dry" ]; then return 0; fi
  for each in "$unit.path" "$unit.service"; do
    [ ! -e "$unit_dir/$each" ] || systemctl stop "$each" || step warning "systemctl could not stop $each"
  done
}

wake_units() {
  if [ -n "$root" ] || [ -n "$dry" ] || [ ! -e "$unit_dir/$unit.path" ]; then return 0; fi
  systemctl start "$unit.path" || step warning "systemctl could not start $unit.path"
}

disable_units() {
  local link
  for link in "$unit.path" "$unit.service"; do
    [ -L "$root$unit_dir/multi-user.target.wants/$link" ] || continue
    if [ -n "$dry" ]; then
      step would "stop and disable $link"
      continue
    fi
    rm -f "$root$unit_dir/multi-user.target.wants/$link"
    step changed "stopped and disabled $link"
  done
}

# take_back SUM PATH: SUM is what was there first. What is gone from tmpfs was taken by a reboot.
take_back() {
  local backup error
  backup=$root$state/backup/$(mangled "$2")
  if [ "$(sum_of "$root$2")" = "$1" ]; then
    step unchanged "$root$2 is as it was before"
  elif [ ! -e "$root$2" ] && ! is_volatile "$2"; then
    step warning "$root$2 was taken away by others: left so; what was there first is $backup"
  elif [ -e "$root$2" ] && ! is_ours "$2"; then
    step warning "$root$2 was changed by others since: left as it is; what was there first is ${backup}"
  elif [ -n "$dry" ]; then
    step would "$(if [ "$1" = absent ]; then echo "remove $root$2"; else echo "put back $root$2 as it was"; fi)"
  elif [ "$1" = absent ]; then
    error=$(rm -f "$root$2" 2>&1) || fail "cannot remove $root$2: $error"
    step changed "removed $root$2: there was none before"
  elif [ "$(sum_of "$backup")" != "$1" ]; then
    fail "$backup is damaged: $root$2 is left as it is"
  else
    put "$backup" "$2" "$(stat -c %a "$backup")"
    step changed "put back $root$2 as it was"
  fi
}

# hold_executable: sets held, why infra-dpu-cni's executable has to stay: what would still call it. Where there was one
# of that name before, that comes back for them.
hold_executable() {
  local file
  held=''
  printf '%s\n' "$before" | grep -q '^absent  .*/infra-dpu-cni$' || return 0
  for file in "$root$multus_dir"/*.conf "$root$multus_dir"/*.conflist "$root$conf_dir"/*.conf "$root$conf_dir"/*.conflist \
    "$root$conf_dir"/*.json; do
    case ${file##*/} in 00-multus*) continue ;; esac
    if [ -n "$dry" ] || [ ! -e "$file" ] || ! names_us "$file"; then continue; fi
    held="$file still names it"
    return 0
  done
  release_multus
}

# forget: the state folder, once nothing is left that it is needed for. By a rename: one that lacks a part, as rm leaves
# when it is killed, would be taken for whole by the next install.sh.
forget() {
  local sum path
  if [ -n "$dry" ] || [ "$warnings" -gt 0 ]; then return 0; fi
  while read -r sum path; do
    ! is_ours "$path" || return 0
  done <"$root$state/before"
  rm -rf "$root$state.gone"
  move "$root$state" "$root$state.gone"
  flush "$root${state%/*}"
  bury
  step changed "forgot about them: $root$state is gone"
}

# bury: what forget has renamed, in this run or one that was killed.
bury() {
  [ -e "$root$state.gone" ] || return 0
  rm -rf "$root$state.gone"
  rmdir "$root${state%/*}" 2>/dev/null || :
  [ -n "$root" ] || ! has systemctl || systemctl daemon-reload 2>/dev/null || :
}
