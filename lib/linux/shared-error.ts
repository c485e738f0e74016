/**
 * What a class of errors extends whose errors are its instances in every copy of its module: each script of the
 * executable that imports the module may have one (scripts/build/bundle.ts). The name is that of the class, which no other
 * class of the project may have, and which nothing may extend.
 */
export function sharedError(name: string) {
  const brand = Symbol.for(`multi-nic-cni.${name}`);
  class SharedError extends Error {
    override readonly name: string = name;

    static {
      Object.defineProperty(SharedError.prototype, brand, { value: true });
    }

    static override [Symbol.hasInstance](value: unknown): boolean {
      return typeof value === "object" && value !== null && brand in value;
    }
  }
  return SharedError;
}
