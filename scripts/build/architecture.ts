/** Architectures by the names Node and npm give them. */
export const architectures = ["x64", "arm64"] as const;
export type Architecture = (typeof architectures)[number];

/** What building for an architecture takes on a machine of another one. */
export interface CrossTools {
  /** Its name in GNU triplets and in QEMU's commands. */
  readonly gnu: string;
  readonly strip: string;
  readonly stripPackage: string;
  readonly compilerPackage: string;
  /** Runs its programs. */
  readonly qemu: string;
  /** Where its dynamic linker, libc and libstdc++ are: what qemu's -L takes. */
  readonly sysroot: string;
  readonly emulationPackages: string;
}

function crossTools(gnu: string, debian: string): CrossTools {
  return {
    gnu,
    strip: `${gnu}-linux-gnu-strip`,
    stripPackage: `binutils-${gnu.replace("_", "-")}-linux-gnu`,
    compilerPackage: `gcc-${gnu.replace("_", "-")}-linux-gnu`,
    qemu: `qemu-${gnu}-static`,
    sysroot: `/usr/${gnu}-linux-gnu`,
    emulationPackages: `qemu-user-static and libstdc++6-${debian}-cross`,
  };
}

export const crossToolsFor: Readonly<Record<Architecture, CrossTools>> = {
  x64: crossTools("x86_64", "amd64"),
  arm64: crossTools("aarch64", "arm64"),
};

/** This machine's own; throws where Node runs on one the project has no base for. */
export function ownArchitecture(): Architecture {
  const own = architectures.find((architecture) => architecture === process.arch);
  if (own === undefined) throw new Error(`${process.arch} is not supported: build on x64 or arm64`);
  return own;
}
