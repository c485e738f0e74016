import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/*
 * What sysfs and procfs say. A device may go while it is looked at, and a driver may answer no read: what is not to be had
 * is left out.
 */

/** A file's text, less the line's end. */
export const readValue = (path: string): string | undefined => tried(() => readFileSync(path, "utf8").trim());

/** The names in a folder, in order; [] where there is none. */
export const listFolder = (path: string): string[] => tried(() => readdirSync(path).sort()) ?? [];

export const linkTarget = (path: string): string | undefined => tried(() => readlinkSync(path));

function tried<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return undefined;
  }
}
