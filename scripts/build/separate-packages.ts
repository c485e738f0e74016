/**
 * Packages kept out of the main script, each a script of its own: what they compile to is large, few calls need
 * them, and a code cache is read whole with its script (execa: 2.3 ms on every call).
 */
export const separatePackages: readonly string[] = ["execa"];
