/** What a call of the doctor needs of its process. */
export interface Call {
  readonly args: readonly string[];
  readonly version: string;
}

/** A defect of ours, which must not be taken for a finding (sysexits.h, EX_SOFTWARE). */
const defect = 70;

/** Serves one call of multi-nic-doctor: prints on stdout, and leaves the exit code to the process. */
export async function doctor({ args, version }: Call): Promise<void> {
  // A reader that has seen enough, as in `multi-nic-doctor | head`, is no error.
  process.stdout.on("error", () => {});
  try {
    const { serve } = await import("./serve.ts");
    const { stdout, stderr, exitCode } = await serve(args, version);
    process.stderr.write(stderr);
    process.stdout.write(stdout);
    process.exitCode = exitCode;
  } catch (error) {
    process.stderr.write(`multi-nic-doctor ${version}: ${error instanceof Error ? error.stack : error}\n`);
    process.exitCode = defect;
  }
}
