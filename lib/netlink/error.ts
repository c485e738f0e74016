import { sharedError } from "../linux/shared-error.ts";
import { errnoCode, errnoWords } from "./errno.ts";

export interface NetlinkErrorOptions {
  /** The label of the request that was refused. */
  readonly request: string;
  /** Its position in the batch. */
  readonly index: number;
  /** The kernel's extended acknowledgement, or why there is no answer; "" where there is nothing more to say. */
  readonly explanation?: string;
  /** The other refusals of the batch. */
  readonly others?: readonly NetlinkError[];
}

/** A request that the kernel refused, or did not answer: `create macvlan net1-0 on eth1: File exists (EEXIST)`. */
export class NetlinkError extends sharedError("NetlinkError") {
  /** Positive, as in errno.h. */
  readonly errno: number;
  /** "EEXIST" */
  readonly code: string;
  readonly request: string;
  readonly index: number;
  readonly explanation: string;
  /** The kernel goes on after a refusal: what else of the batch it refused, in order. */
  readonly others: readonly NetlinkError[];

  constructor(errno: number, options: NetlinkErrorOptions) {
    const code = errnoCode(errno);
    const explanation = options.explanation ?? "";
    const more = explanation === "" ? "" : `: ${explanation}`;
    super(`${options.request}: ${errnoWords(errno)} (${code})${more}`);
    this.errno = errno;
    this.code = code;
    this.request = options.request;
    this.index = options.index;
    this.explanation = explanation;
    this.others = options.others ?? [];
  }
}
