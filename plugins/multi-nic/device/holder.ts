import { CniError, ErrorCode } from "../../../lib/cni/error.ts";
import type { Invocation } from "../../../lib/cni/invocation.ts";
import type { AttachmentRecord } from "../../../lib/ipam/record.ts";
import type { Store, StoreTx } from "../../../lib/ipam/store.ts";
import { isAbandoned, withdrawLogged } from "../abandoned.ts";
import { owner } from "../attachment.ts";
import type { LentLink, PlannedLink } from "../plan.ts";
import { readablePlanOf } from "../plan-json.ts";
import { isLent, shown } from "./device.ts";

/** A device that a pod has. */
interface Loan {
  readonly record: AttachmentRecord;
  readonly link: LentLink;
}

/** Every device that is recorded as a pod's, of all networks. */
function loansIn(records: readonly AttachmentRecord[]): Loan[] {
  return records
    .filter((record) => record.owner === owner && record.plan.includes('"device":'))
    .flatMap((record) =>
      (readablePlanOf(record)?.links ?? []).filter(isLent).map((link) => ({ record, link })),
    );
}

/** Gives back what pods have that are gone: it would be missed below. Of all networks: devices are the host's. */
export async function reclaimDevices(store: Store, invocation: Invocation): Promise<void> {
  const loans = loansIn(store.read((tx) => tx.attachments()));
  const records = new Map(loans.map(({ record }) => [record.id, record]));
  for (const record of records.values()) {
    if (await isAbandoned(record, invocation)) await withdrawLogged(store, record, invocation);
  }
}

type Wanted = { readonly name: string } | { readonly folder: string } | { readonly mac: string };

/** What is to be said of a device that is not in the host's namespace, if a pod has it. */
export function holderOf(store: Store, wanted: Wanted) {
  const loan = loansIn(store.read((tx) => tx.attachments())).find(({ link }) => {
    if ("folder" in wanted) return link.device.folder === wanted.folder;
    return "mac" in wanted ? link.device.mac === wanted.mac : link.master === wanted.name;
  });
  return loan && `${shown(loan.link.master, loan.link.device)} is with ${describe(loan)}`;
}

/** Whether a pod has any device of the network's. */
export const isAnyLent = (store: Store, network: string): boolean =>
  loansIn(store.read((tx) => tx.attachments(network))).length > 0;

/** Refuses, within the transaction that records an attachment, devices that another one has recorded. */
export const refuseLent =
  (links: readonly PlannedLink[]) =>
  (tx: StoreTx): void => {
    const loans = loansIn(tx.attachments());
    for (const link of links.filter(isLent)) {
      const loan = loans.find((each) => isSame(each.link, link));
      if (loan !== undefined) throw lentOut(`${shown(link.master, link.device)} is with ${describe(loan)}`);
    }
  };

export const lentOut = (what: string): CniError =>
  new CniError(
    ErrorCode.exists,
    `${what}; a device is one pod's at a time: delete that pod, or name another device`,
  );

function isSame(a: LentLink, b: LentLink): boolean {
  if (a.device.folder === undefined || b.device.folder === undefined) return a.master === b.master;
  return a.device.folder === b.device.folder && a.device.port === b.device.port;
}

const describe = ({ record: { containerId, network, netns }, link }: Loan): string =>
  `container ${containerId} as ${link.ifname} (network ${network}, ${netns})`;
