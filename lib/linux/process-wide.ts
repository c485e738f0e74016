/**
 * The one value of that name in this process. A variable of a module is not one: each script of the executable that
 * imports the module has a copy of it (scripts/build/bundle.ts).
 */
export function processWide<T>(name: string, make: () => T): T {
  const all = globalThis as unknown as Record<symbol, T | undefined>;
  const key = Symbol.for(`multi-nic-cni.${name}`);
  all[key] ??= make();
  return all[key];
}
