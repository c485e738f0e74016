# shellcheck shell=dash
# What is said on the way, and the report at the end.

# begin: from here on the script ends with a report, and leaves none of its temporary files.
begin() {
  phase=checking steps='' changes=0 warnings=0 result='' staged=''
  trap 'ended $?' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

# step STATUS TEXT: one step of the report. STATUS: changed, would (be, by a dry run), unchanged, warning, failed.
step() {
  case $1 in
    changed | would) changes=$((changes + 1)) ;;
    warning) warnings=$((warnings + 1)) ;;
  esac
  steps="$steps${steps:+,}{\"status\":\"$1\",\"what\":\"$(json_text "$2")\"}"
  case $1 in
    failed | warning) printf '%-9s  %s\n' "$1" "$2" >&2 ;;
    *) [ -n "$json" ] || printf '%-9s  %s\n' "$1" "$2" ;;
  esac
}

# json_text TEXT: what may stand between the quotes of a JSON string (RFC 8259, section 7).
json_text() {
  printf '%s' "$1" | tr '\n\r\t' '   ' | tr -d '\000-\037' | sed 's/\\/\\\\/g; s/"/\\"/g'
}

# json_list WORD...: a JSON list of texts.
json_list() {
  local list='' word
  for word in "$@"; do list="$list${list:+,}\"$(json_text "$word")\""; done
  printf '[%s]' "$list"
}

# refuse TEXT: before anything was changed.
refuse() {
  step failed "$1"
  exit 2
}

# fail TEXT: a step did not succeed. Before the first change it is a refusal.
fail() {
  [ "$phase" = changing ] || refuse "$1; nothing was changed"
  step failed "$1; run install.sh again once that is mended"
  exit 1
}

finish() {
  if [ -n "$dry" ]; then
    result="would be changed"
    [ "$changes" -gt 0 ] || result=unchanged
  elif [ "$changes" = 0 ]; then
    result=unchanged
  elif [ -n "$uninstall" ]; then
    result=removed
  else
    result=installed
  fi
  [ -n "$json" ] || case $result in
    unchanged)
      if [ "$warnings" = 0 ]; then
        echo "unchanged: everything is as it should be"
      else
        echo "unchanged: the warnings say what is left to you"
      fi
      ;;
    *) echo "$result: $changes step(s)" ;;
  esac
  [ "$warnings" = 0 ] || exit 3
  exit 0
}

# ended STATUS: on every way out, but a kill.
ended() {
  trap - EXIT
  drop_staged
  case $1 in
    0 | 3) ;;
    2) result=refused ;;
    *) result=failed ;;
  esac
  [ -z "$json" ] || report "$1"
  exit "$1"
}

# report STATUS: one JSON object.
report() {
  # shellcheck disable=SC2086 # a list of words
  printf '{"result":"%s","exitCode":%d,"node":"%s","flavor":"%s","cniBinDir":"%s","cniConfDir":"%s","multusDir":"%s","plugins":%s,"sha256":"%s","attachments":%s,"steps":[%s]}\n' \
    "$result" "$1" "$(json_text "$(uname -n)")" "$flavor" "$(json_text "$bin_dir")" "$(json_text "$conf_dir")" \
    "$(json_text "$multus_dir")" "$(json_list $plugins)" "${sha256-}" "${attachments_json-[]}" "$steps"
}
