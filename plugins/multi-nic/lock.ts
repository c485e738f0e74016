import { CniError, ErrorCode } from "../../lib/cni/error.ts";
import type { Invocation } from "../../lib/cni/invocation.ts";
import type { AttachmentKey } from "../../lib/ipam/record.ts";
import { LockError, lockByte } from "../../lib/linux/lock.ts";
import { statePaths } from "../../lib/linux/paths.ts";
import { groupOf } from "./plan.ts";

/**
 * ms that a call waits for others of the same attachment. An ADD with a slow IPAM takes seconds, one of many on a busy
 * machine more, and an ADD must not fail for waiting its turn: it has half of the four minutes that kubelet gives a
 * sandbox.
 */
const patience = 120_000;

/** The same for DEL, which goes on without the lock then: an ADD that hangs must not keep a pod in Terminating. */
export const patienceOfDel = 20_000;

/**
 * One call at a time for one attachment: what is found in the pod is then this call's to make or to undo. Runtimes see
 * to that, as a rule. Other attachments do not wait.
 * @throws CniError tryAgainLater where another call goes on being at work, io where the file cannot be had
 */
export async function lockAttachment(
  invocation: Invocation,
  key: AttachmentKey,
  wait: number = patience,
): Promise<Disposable> {
  try {
    return await lockInTime(
      (ms) => lockByte(statePaths(invocation.env).locks, groupOf(key), ms),
      wait,
      invocation,
    );
  } catch (error) {
    if (!(error instanceof LockError)) throw error;
    if (!isTaken(error)) {
      const remedy = "see that its folder exists, is writable and has room";
      throw new CniError(ErrorCode.io, `${error.message}; ${remedy}`, { cause: error });
    }
    throw new CniError(
      ErrorCode.tryAgainLater,
      `another call for ${key.ifname} of container ${key.containerId} on network ${key.network} is at work; try again when it has ended`,
      { cause: error },
    );
  }
}

const isTaken = (error: unknown): boolean => error instanceof LockError && error.code === "EAGAIN";

/** After a wait the runtime may have given the call up, and made another that did the opposite. */
async function lockInTime(
  lock: (wait: number) => Promise<Disposable>,
  wait: number,
  { caller }: Invocation,
): Promise<Disposable> {
  if (caller === undefined) return lock(wait);
  try {
    return await lock(0);
  } catch (error) {
    if (wait === 0 || !isTaken(error)) throw error;
  }
  const locked = await caller.aside(() => lock(wait));
  // That the caller is gone may be known to the kernel alone.
  await new Promise((resolve) => setImmediate(resolve));
  if (!caller.hasLeft()) return locked;
  locked[Symbol.dispose]();
  throw new CniError(
    ErrorCode.tryAgainLater,
    "whoever called has left while another call was at work; nothing was done",
  );
}

/** Whether a call is at work on an attachment, of this process or another; in doubt it is. */
export async function isAtWork(key: AttachmentKey, invocation: Invocation): Promise<boolean> {
  try {
    using _lock = await lockAttachment(invocation, key, 0);
    return false;
  } catch {
    return true;
  }
}
