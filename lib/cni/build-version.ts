/** Put in its place by the bundler, from package.json. */
declare const __VERSION__: string | undefined;

/** The version of this build; "development" where the sources run as they are. */
export const buildVersion = typeof __VERSION__ === "string" ? __VERSION__ : "development";
