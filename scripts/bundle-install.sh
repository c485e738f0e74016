#!/bin/sh
# Prints install.sh with its parts in it, as one file that can be copied to a node by itself.
set -eu
cd "$(dirname "$0")"
exec awk '
  /^\. "\$here\/install\/[a-z]+\.sh"$/ {
    part = $2
    gsub(/"|\$here\//, "", part)
    while ((getline line <part) > 0) if (line != "# shellcheck shell=dash") print line
    close(part)
    next
  }
  { print }
' install.sh
