import { buildVersion } from "./build-version.ts";
import type { Plugin } from "./plugin.ts";
import { supportedVersions } from "./version.ts";

/** What a plugin says of itself when it is called with no CNI_COMMAND. */
export function aboutText({ name, about }: Plugin): string {
  return `${name} ${buildVersion}: ${about}\n${versionsLine()}\n`;
}

function versionsLine(): string {
  return `CNI protocol versions supported: ${supportedVersions.join(", ")}`;
}

/** The answer to an argument, or undefined where it is none of ours. */
export function answerTo(argument: string | undefined, plugin: Plugin): string | undefined {
  if (argument === "--version") return `${plugin.name} ${buildVersion}\n`;
  if (argument === "--help" || argument === "-h") return helpText(plugin);
  return undefined;
}

function helpText(plugin: Plugin): string {
  return `${plugin.name} ${buildVersion}: ${plugin.about}

A CNI plugin: a container runtime calls it, with the network configuration as JSON on
stdin, and in the environment
  CNI_COMMAND      ADD, DEL, CHECK, GC, STATUS or VERSION
  CNI_CONTAINERID  the container's id                     (ADD, DEL, CHECK)
  CNI_NETNS        path of its network namespace          (ADD, CHECK; DEL where there is one)
  CNI_IFNAME       name of the interface in it            (ADD, DEL, CHECK)
  CNI_PATH         folders with plugins, : between them   (all but DEL and VERSION)
  CNI_ARGS         KEY=VALUE pairs, ; between them        (optional)
It prints one JSON document on stdout: a result, or an error object, with exit code 1.

Try it:    CNI_COMMAND=VERSION ${plugin.name}
Arguments: --help, --version
${versionsLine()}
README.md, beside the sources, has every configuration field, error code and file.
`;
}
