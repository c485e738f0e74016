/**
 * The codes a CNI error object carries. Below 100 they are the specification's
 * (https://www.cni.dev/docs/spec/#error), from 100 on they are ours.
 */
export const ErrorCode = {
  incompatibleVersion: 1,
  unsupportedField: 2,
  unknownContainer: 3,
  invalidEnvironment: 4,
  io: 5,
  decode: 6,
  invalidConfig: 7,
  netnsIsOwn: 8,
  tryAgainLater: 11,
  notAvailable: 50,
  limitedConnectivity: 51,
  /** infra-dpu-cni refuses a pod that wants a network. */
  noPodNetwork: 100,
  /** The kernel refused a request; the message names it and its errno. */
  kernel: 101,
  /** A delegated plugin could not be run, or answered with no error object of its own. */
  delegate: 102,
  addressTaken: 103,
  poolExhausted: 104,
  /** An interface of that name is there already, or this attachment exists. */
  exists: 105,
  /** CHECK found the kernel or the store different from what ADD made. */
  checkFailed: 106,
  /** A defect of ours: the message carries the JavaScript error. */
  internal: 999,
} as const;

export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

export interface CniErrorOptions {
  /** More about the error, for a human. Runtimes show it as `msg; details`. */
  readonly details?: string;
  readonly cause?: unknown;
}

/** An error in the shape it has on the wire: a code, a message that names key, value and remedy, and details. */
export class CniError extends Error {
  override readonly name = "CniError";
  readonly code: number;
  readonly details: string;

  constructor(code: number, message: string, options: CniErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? "";
  }
}
