/**
 * V8's flags of the executable. They are part of what a code cache is checked against, so it is made under the
 * same ones. Hashing the start-up snapshot anew takes 4 ms of each call; an ADD would collect garbage twice in a young
 * generation of 1 MB, and what runs once is not worth compiling twice (docs/adr/0001-node24-pkg-sea.md). In multi-nicd
 * that generation would grow to four times its size, for nothing.
 */
export const v8Flags: readonly string[] = [
  "--no-rehash-snapshot",
  "--min-semi-space-size=4",
  "--max-semi-space-size=4",
  "--no-sparkplug",
  "--no-maglev",
  "--no-opt",
];

/**
 * Node's flags of the executable. Its stderr is kubelet's log, not the place for Node's warnings; it needs no
 * inspector thread; and the host's OpenSSL configuration, which may be broken, is none of its business.
 */
export const nodeFlags: readonly string[] = [
  "--no-warnings",
  "--disable-sigusr1",
  "--openssl-config=/dev/null",
];
