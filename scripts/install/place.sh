# shellcheck shell=dash
# Files are put in place by a rename, and the state folder remembers what was there before and what is ours:
#   before      "<sha256 or absent>  <path>", once a path, of what was there first
#   backup/     that content; its name is the path, with % for /
#   ours        "<sha256>  <path>", every content of ours that was ever put there
#   kept.list   "<mode>  <path>", what is to be put back after a reboot, and kept/ its content
# What is beside it with .gone behind its name is on its way out.

open_state() {
  [ -z "$dry" ] || return 0
  make_folder "$root$state"
  has flock || return 0
  exec 9>"$root$state/lock"
  flock -w 10 9 || refuse "another install.sh is at work on this node: try again when it is done"
  # The one that was waited for may have taken the folder away.
  [ "$root$state/lock" -ef /proc/self/fd/9 ] || [ ! -e /proc/self/fd/9 ] || open_state
}

make_folder() {
  local error
  error=$(mkdir -p "$1" 2>&1) || fail "cannot make the folder $1: $error"
}

# move FILE PATH: a rename; both are in one file system.
move() {
  local error
  error=$(mv -f "$1" "$2" 2>&1) || fail "cannot rename $1 to $2: $error"
}

# copy FILE PATH MODE: all of it, on disk.
copy() {
  local error
  error=$(cp "$1" "$2" 2>&1 && chmod "$3" "$2" 2>&1) || fail "cannot write $2: $error"
  flush "$2"
  cmp -s "$1" "$2" || fail "$2 is not what was copied there: the disk has lost some of it"
}

# save NAME COMMAND...: what the command prints, as a file of the state folder. By cat, whose errors say more than a
# shell's own printf.
save() {
  local name=$1 error
  shift
  { error=$({ "$@" | cat >"$root$state/$name"; } 2>&1) && flush "$root$state/$name"; } ||
    fail "cannot write $root$state/$name: $error"
}

mangled() { printf '%s' "$1" | tr / %; }

# sum_of FILE: its sha256, or "absent".
sum_of() {
  if [ -e "$1" ]; then
    sha256sum <"$1" | cut -d' ' -f1
  else
    echo absent
  fi
}

# flush PATH: to the disk. An old sync knows only all of them.
flush() { sync "$1" 2>/dev/null || sync; }

# relabel PATH: gives it the SELinux label of its place; a file from a home folder would keep that of a home.
relabel() {
  [ -z "$root" ] && has restorecon || return 0
  restorecon "$1" || step warning "restorecon $1 failed: with SELinux enforcing it may not be usable"
}

# temporary PATH: a name in its folder that is no configuration to CRI-O, containerd or Multus, and no systemd unit.
temporary() { printf '%s/.%s.multi-nic-cni' "$(dirname "$1")" "$(basename "$1")"; }

# stage SOURCE PATH MODE: a whole copy, on disk, beside where it is to go.
stage() {
  local temp
  temp=$root$(temporary "$2")
  staged="$staged $temp"
  copy "$1" "$temp" "$3"
  relabel "$temp"
}

# unveil PATH: the staged copy takes its place. Who looks there sees the old content or the new, whole.
unveil() {
  move "$root$(temporary "$1")" "$root$1"
  relabel "$root$1"
  flush "$(dirname "$root$1")"
}

# drop_staged: what a failure has left of this run. A killed run's are overwritten by the next.
drop_staged() {
  local temp
  for temp in $staged; do rm -rf "$temp"; done
}

# put SOURCE PATH MODE
put() {
  make_folder "$(dirname "$root$2")"
  stage "$@"
  unveil "$2"
}

# first_of LIST PATH: the first word of the first line on the path, if there is one.
first_of() {
  local word path
  [ -e "$root$state/$1" ] || return 0
  while read -r word path; do
    [ "$path" != "$2" ] || { echo "$word" && return 0; }
  done <"$root$state/$1"
}

# record LIST WORD PATH: adds a line, unless it is there.
record() {
  ! grep -qxF -e "$2  $3" "$root$state/$1" 2>/dev/null || return 0
  save "$1.part" with_line "$@"
  move "$root$state/$1.part" "$root$state/$1"
}

with_line() {
  [ ! -e "$root$state/$1" ] || cat "$root$state/$1" || return
  printf '%s  %s\n' "$2" "$3"
}

# forget_kept PATH: it is no longer to be put back.
forget_kept() {
  [ -n "$(first_of kept.list "$1")" ] || return 0
  save kept.part kept_without "$1"
  move "$root$state/kept.part" "$root$state/kept.list"
}

kept_without() { sed "\\|  $1\$|d" "$root$state/kept.list"; }

# remember PATH SUM: backs up what is at the path, the first time only, and notes that SUM there is ours.
remember() {
  local was
  if [ -z "$(first_of before "$1")" ]; then
    was=$(sum_of "$root$1")
    if [ "$was" != absent ]; then
      make_folder "$root$state/backup"
      copy "$root$1" "$root$state/backup.part" "$(stat -c %a "$root$1")"
      move "$root$state/backup.part" "$root$state/backup/$(mangled "$1")"
    fi
    record before "$was" "$1"
  fi
  record ours "$2" "$1"
}

# is_ours PATH: whether what is there now was put there by us.
is_ours() { [ -e "$root$1" ] && grep -qxF -e "$(sum_of "$root$1")  $1" "$root$state/ours" 2>/dev/null; }
