#!/bin/sh
# Compiles native/*.c to build/native/<name>-<arch>.node, and the thin client to build/native/client-<arch>: for
# this machine with cc, for the other architecture where its cross compiler is installed. Says what it left out;
# fails only on an error.
set -eu
cd "$(dirname "$0")/.."

headers=node_modules/node-api-headers/include
[ -f "$headers/node_api.h" ] || { echo "build-native: $headers is missing: run npm ci first" >&2; exit 1; }

case "$(uname -m)" in
  x86_64) own=x64 ;;
  aarch64) own=arm64 ;;
  *) echo "build-native: $(uname -m) is not supported: build on x86_64 or aarch64" >&2; exit 1 ;;
esac

compiler_for() {
  case "$1" in
    "$own") echo cc ;;
    x64) echo x86_64-linux-gnu-gcc ;;
    arm64) echo aarch64-linux-gnu-gcc ;;
  esac
}

# What protects returns and branches, by architecture.
branches_of() {
  case "$1" in
    x64) echo -fcf-protection=full ;;
    arm64) echo -mbranch-protection=standard ;;
  esac
}

mkdir -p build/native
for arch in x64 arm64; do
  compiler=$(compiler_for "$arch")
  if ! command -v "$compiler" >/dev/null; then
    [ "$arch" != "$own" ] || { echo "build-native: cc is missing: apt-get install gcc libc6-dev" >&2; exit 1; }
    echo "build-native: $compiler is missing, $arch is left out (apt-get install gcc-aarch64-linux-gnu for arm64)" >&2
    continue
  fi
  for source in native/*.c; do
    file=build/native/$(basename "$source" .c)-$arch.node
    # Written beside and renamed: a process that has the old one loaded keeps it.
    "$compiler" -std=gnu17 -O2 -Wall -Wextra -Werror -fPIC -fvisibility=hidden -shared -s \
      -I "$headers" -o "$file.$$" "$source"
    mv "$file.$$" "$file"
    echo "$file"
  done
  # Static, for it is to start in a fraction of a millisecond on any Linux.
  file=build/native/client-$arch
  "$compiler" -std=gnu17 -O2 -Wall -Wextra -Werror -fPIE -static-pie -s -fstack-protector-strong \
    -fstack-clash-protection -D_FORTIFY_SOURCE=2 "$(branches_of "$arch")" -Wl,-z,relro,-z,now,-z,noexecstack \
    -o "$file.$$" native/client/client.c
  mv "$file.$$" "$file"
  echo "$file"
done
