# shellcheck shell=dash
# The executables: what they must be for this node, a trial in the CNI folder itself, and their place.

# find_source: from, the folder with the executables.
find_source() {
  local beside
  if [ -z "$from" ]; then
    beside=$here/../dist/linux-$(architecture_of_node)
    if [ -e "$here/SHA256SUMS" ]; then from=$here; else from=$beside; fi
  fi
  [ -e "$from/SHA256SUMS" ] || refuse "$from/SHA256SUMS is missing: name the folder that build.sh has made by --from DIR"
}

# find_files: files, what is to be installed. multi-nic and multi-nic-ipam are clients, each of which runs
# multi-nic-cni where multi-nicd does not answer; so that goes before them.
find_files() {
  files=$plugins
  if { is_wanted multi-nic || is_wanted multi-nic-ipam; } && grep -q ' [ *]multi-nic-cni$' "$from/SHA256SUMS"; then
    files="multi-nic-cni $plugins"
  fi
}

check_executables() {
  local plugin
  find_files
  for plugin in $files; do
    [ -e "$from/$plugin" ] || refuse "$from/$plugin is missing: name the folder that build.sh has made by --from DIR"
    check_architecture "$from/$plugin"
    check_sum "$plugin"
    check_libraries "$from/$plugin"
  done
  if [ -d "$root$bin_dir" ]; then
    [ -w "$root$bin_dir" ] || refuse "$root$bin_dir cannot be written: name the runtime's CNI folder by --cni-bin-dir DIR"
  elif ! crio_bin_dirs | grep -qxF -e "$bin_dir"; then
    step warning "$root$bin_dir is not there yet: if the runtime has its CNI plugins elsewhere, name that by --cni-bin-dir DIR"
  fi
}

# check_architecture FILE: by the ELF header: magic, class, byte order; e_machine is at byte 18 (elf(5)).
check_architecture() {
  local head theirs ours
  head=$(od -An -v -tx1 -N20 "$1" | tr -d ' \n')
  case $head in
    7f454c460201????????????????????????3e00) theirs=x64 ;;
    7f454c460201????????????????????????b700) theirs=arm64 ;;
    *) refuse "$1 is no executable for Linux on x64 or arm64: copy it again" ;;
  esac
  ours=$(architecture_of_node)
  [ "$theirs" = "$ours" ] || refuse "$1 is for $theirs and this node is $ours: use dist/linux-$ours"
}

# check_sum PLUGIN: against SHA256SUMS. Sets sha256.
check_sum() {
  local expected
  expected=$(sed -n "s/^\([0-9a-f]\{64\}\) [ *]$1\$/\1/p" "$from/SHA256SUMS")
  [ -n "$expected" ] || refuse "$from/SHA256SUMS has no line for $1: take the folder that build.sh has made whole"
  sha256=$(sum_of "$from/$1")
  [ "$sha256" = "$expected" ] ||
    refuse "$from/$1 has the SHA-256 $sha256 and SHA256SUMS says $expected: copy it again"
}

# check_libraries FILE: glibc 2.28 or later and libstdc++ (docs/adr/0001-node24-pkg-sea.md).
check_libraries() {
  local version missing
  version=$(getconf GNU_LIBC_VERSION 2>/dev/null) || version=
  case $version in
    'glibc 2.'*) [ "${version#glibc 2.}" -ge 28 ] || refuse "this node has $version, and $1 needs 2.28 or later" ;;
  esac
  has ldd || return 0
  missing=$(ldd "$1" 2>&1 | sed -n "s/^[[:space:]]*//; s/^$(printf '%s' "$1" | sed 's/[]\/$*.^[]/\\&/g'): //; /not found/p") || :
  [ -z "$missing" ] || refuse "$1 cannot run here: $missing; install the node's glibc (2.28 or later) and libstdc++"
}

# The trial folder is in the CNI folder: same file system, same mount options, same SELinux rules.
trial_of_executables() { printf '%s/.multi-nic-cni' "$bin_dir"; }

# is_installed PLUGIN
is_installed() {
  local mode
  [ -f "$root$bin_dir/$1" ] && [ -x "$root$bin_dir/$1" ] || return 1
  mode=$(stat -c %a "$root$bin_dir/$1")
  [ "$mode" = 755 ] && cmp -s "$from/$1" "$root$bin_dir/$1"
}

# Copies what is to be installed into the trial folder, and tries it there, while the old one is still in use.
stage_executables() {
  local plugin other same trial
  trial=$root$(trial_of_executables)
  [ -n "$dry" ] || rm -rf "$trial" || fail "$root$bin_dir cannot be written"
  for plugin in $files; do
    if is_installed "$plugin" || [ -n "$dry" ]; then continue; fi
    make_folder "$trial"
    staged="$staged $trial"
    same=''
    for other in $files; do
      if [ -e "$trial/$other" ] && cmp -s "$from/$plugin" "$trial/$other"; then same=$other; fi
    done
    if [ -n "$same" ]; then
      ln "$trial/$same" "$trial/$plugin" || fail "cannot link $trial/$plugin"
    else
      copy "$from/$plugin" "$trial/$plugin" 0755
    fi
    relabel "$trial/$plugin"
    try_executable "$trial/$plugin"
    remember "$bin_dir/$plugin" "$(sum_of "$trial/$plugin")"
  done
}

place_executables() {
  local plugin path trial
  trial=$root$(trial_of_executables)
  for plugin in $files; do
    path=$bin_dir/$plugin
    if is_installed "$plugin"; then
      step unchanged "$root$path is this version"
    elif [ -n "$dry" ]; then
      step would "try $from/$plugin in $root$bin_dir (VERSION, a refused ADD, a DEL) and install it as $root$path, mode 0755"
    else
      move "$trial/$plugin" "$root$path"
      relabel "$root$path"
      flush "$root$bin_dir"
      answers "$root$path" || fail "$root$path does not answer VERSION in its place: $answer"
      step changed "installed $root$path, after a trial there (VERSION, a refused ADD, a DEL)"
    fi
  done
  [ -n "$dry" ] || rm -rf "$trial"
}

# call FILE COMMAND [NAME=VALUE...]: runs it with nothing else in its environment; the answer is in $answer.
call() {
  local file=$1 command=$2
  shift 2
  answer=$(env -i "CNI_COMMAND=$command" MULTI_NIC_CNI_LOG_FILE=off "$@" "$file" 2>&1)
}

# answers FILE: whether it says which versions it speaks, 0.4.0 among them.
answers() {
  call "$1" VERSION </dev/null || return 1
  case $answer in *'"supportedVersions"'*'"0.4.0"'*) ;; *) return 1 ;; esac
}

# try_executable FILE: VERSION, an ADD that must be refused in its own words, and for infra-dpu-cni a DEL with
# nothing in the environment, which containerd's second one comes near to.
try_executable() {
  local name=${1##*/} pod='CNI_CONTAINERID=self-test CNI_IFNAME=eth0 CNI_NETNS=/nonexistent CNI_PATH=/nonexistent'
  answers "$1" || fail "$1 does not answer VERSION: $answer"
  # shellcheck disable=SC2086 # words of the environment
  if answer=$(conf_for "$name" | env -i CNI_COMMAND=ADD MULTI_NIC_CNI_LOG_FILE=off $pod "$1" 2>&1); then
    fail "$1 did not refuse an ADD for a namespace that is not there: $answer"
  fi
  case $answer in *'"code":'*'"msg":"'*) ;; *) fail "$1 answered a bad ADD with no error of its own: $answer" ;; esac
  case $answer in *'"code":6,'*) fail "$conf_file is no network configuration: $answer" ;; esac
  [ "$name" = infra-dpu-cni ] || return 0
  if call "$1" DEL </dev/null && [ -z "$answer" ]; then return 0; fi
  fail "$1 failed a DEL: $answer"
}
