import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Architecture, architectures } from "./architecture.ts";

export interface Options {
  readonly help: boolean;
  /** The architecture asked for; undefined builds all that this machine can. */
  readonly architecture: Architecture | undefined;
  /** Absolute path of the folder that linux-<architecture> folders are put in. */
  readonly out: string;
}

export const help = `Usage: build.sh [--arch x64|arm64] [--out DIR]
Builds, in DIR/linux-x64 and DIR/linux-arm64:
  multi-nic-cni               the standalone executable; infra-dpu-cni, multi-nicd and
                              multi-nic-doctor are other names of it (hard links)
  multi-nic, multi-nic-ipam   the thin client of multi-nicd, which runs multi-nic-cni where that
                              is not there
  install.sh                  puts them on a node; scripts/install.sh in one file
  SHA256SUMS
and DIR/install-fleet.sh, which does so on many by ssh.

  --arch ARCH   build only this architecture, and fail if it cannot be built; without it, an
                architecture this machine lacks the tools for is left out, and said so
  --out DIR     default: dist, in the project's folder
  --help        this text

Debian packages:
  own architecture          gcc libc6-dev binutils
  arm64 on x64, to build    gcc-aarch64-linux-gnu libc6-dev-arm64-cross (binutils-aarch64-linux-gnu: 18 MB less)
  arm64 on x64, code cache  qemu-user-static libstdc++6-arm64-cross
`;

/** Throws an Error whose message is for the user. `root` is the project's folder, `cwd` what --out is relative to. */
export function parseOptions(args: readonly string[], root: string, cwd: string): Options {
  const { values } = parseArgs({
    args: [...args],
    options: { help: { type: "boolean" }, arch: { type: "string" }, out: { type: "string" } },
  });
  const architecture = architectures.find((known) => known === values.arch);
  if (values.arch !== undefined && architecture === undefined) {
    throw new Error(`--arch: "${values.arch}" is not supported; name one of: ${architectures.join(", ")}`);
  }
  const out = values.out === undefined ? resolve(root, "dist") : resolve(cwd, values.out);
  return { help: values.help === true, architecture, out };
}
