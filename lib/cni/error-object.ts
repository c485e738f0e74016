import { cutText } from "./cut-text.ts";
import { CniError, ErrorCode } from "./error.ts";

/** What an error says on the wire. */
export interface ErrorObject {
  readonly cniVersion: string;
  readonly code: number;
  readonly msg: string;
  readonly details?: string;
}

type Said = Omit<ErrorObject, "cniVersion">;

/** Any thrown value as an error object in the configuration's version. */
export function errorObject(error: unknown, cniVersion: string): ErrorObject {
  return { cniVersion, ...say(error) };
}

function say(error: unknown): Said {
  if (error instanceof CniError) return said(error.code, error.message, error.details);
  if (error instanceof AggregateError && error.errors.length > 0) return sayAll(error.errors);
  // What failed first is what the user must know; what failed while undoing it comes after.
  if (error instanceof SuppressedError) return sayAll([error.suppressed, error.error]);
  if (error instanceof Error) return sayByName(error);
  return said(ErrorCode.internal, `internal error: ${String(error)}`);
}

/** Several errors as one: the code of the first, the messages of all. */
function sayAll(errors: readonly unknown[]): Said {
  const all = errors.map(say);
  const [first, ...others] = all;
  if (first === undefined || others.length === 0) return first ?? said(ErrorCode.internal, "internal error");
  const more = others.map(({ msg, details }) => (details === undefined ? msg : `${msg}; ${details}`));
  return said(first.code, first.msg, [first.details, ...more].filter(Boolean).join("; "));
}

interface KernelRefusal {
  readonly code: string;
  readonly request: string;
  readonly explanation: string;
}

/** Errors of layers that may not be loaded for a mere VERSION are known by their name, not by their class. */
function sayByName(error: Error): Said {
  if (error.name === "NetlinkError") {
    const { request, code, explanation } = error as unknown as KernelRefusal;
    return said(ErrorCode.kernel, `the kernel refused to ${request}: ${code}`, explanation);
  }
  // A sysctl that cannot be written, an addon that no folder takes: their messages name file and remedy.
  if (error.name === "SysctlError" || error.name === "AddonError") return said(ErrorCode.io, error.message);
  if (error.name === "NetnsError") return said(ErrorCode.invalidEnvironment, `CNI_NETNS: ${error.message}`);
  return said(ErrorCode.internal, `internal error: ${error.message || error.name}`);
}

/** Characters of a message, and of its details: they go into events, logs and annotations, and may quote what a user wrote. */
const mostSaid = 4096;

function said(code: number, message: string, more = ""): Said {
  const [msg, details] = [cutText(message, mostSaid), cutText(more, mostSaid)];
  return details === "" ? { code, msg } : { code, msg, details };
}
