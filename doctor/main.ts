/** What a call of the doctor needs of its process. */
export interface Call {
  readonly args: readonly string[];
  readonly version: string;
}

/** Serves one call of multi-nic-doctor: prints on stdout, and leaves the exit code to the process. */
export async function doctor({ args, version }: Call): Promise<void> {
  const { serve } = await import("./serve.ts");
  const { stdout, stderr, exitCode } = await serve(args, version);
  process.stderr.write(stderr);
  process.stdout.write(stdout);
  process.exitCode = exitCode;
}
