import { type Cidr, formatAddress } from "../net/address.ts";
import { findAttribute, type Message, readText, viewOf } from "../netlink/codec.ts";
import { IFF_LOWER_UP, IFF_UP, IFLA_IFNAME } from "../netlink/constants.ts";
import { decodeLink, dumpLinks, type Link } from "../netlink/message/link.ts";
import { Devices } from "./device.ts";
import { dump, type HostView, readAddresses, readDefaultRoutes } from "./discover.ts";
import type { HostNic, NicDevice } from "./host-nic.ts";
import { lowersOf, overKind } from "./lower.ts";
import { headerLength, isLoopback, mayHaveDevice } from "./may-have-device.ts";
import { compareNames } from "./nic.ts";

export interface SurveyOptions {
  /** Names of virtual links that count as NICs too: veths on a test bed. "all": every link but loopback. */
  readonly virtual?: readonly string[] | "all";
  /** As text, without prefix lengths: links with one of these count too, of whatever kind. */
  readonly addresses?: ReadonlySet<string>;
}

/** Every NIC of the host, by name: what has a device, the VLANs and bonds over those, and the virtual ones asked for. */
export async function surveyNics(host: HostView, options: SurveyOptions = {}): Promise<HostNic[]> {
  const messages = await dump(host.netlink, dumpLinks());
  const addresses = await readAddresses(host.netlink);
  const addressed = holdersOf(addresses, options.addresses);
  const links = messages
    .filter((message) => mayCount(message, options.virtual) || addressed.has(indexOf(message)))
    .map(decodeLink);
  const defaults = await readDefaultRoutes(host.netlink);
  const survey: Survey = {
    links: new Map(links.map((link) => [link.index, link])),
    messages,
    isAskedFor: ({ name, index }) =>
      options.virtual === "all" || options.virtual?.includes(name) === true || addressed.has(index),
  };
  return describeNics(survey, new Devices(host.sys), addresses, defaults);
}

/** What one pass over the links found. */
interface Survey {
  readonly links: ReadonlyMap<number, Link>;
  readonly messages: readonly Message[];
  /** Whether a link counts though no device is behind it */
  readonly isAskedFor: (link: Link) => boolean;
}

/** The ifindexes of the links that have one of these addresses. */
function holdersOf(
  addresses: ReadonlyMap<number, readonly Cidr[]>,
  wanted: SurveyOptions["addresses"],
): ReadonlySet<number> {
  if (wanted === undefined || wanted.size === 0) return new Set();
  const has = (cidrs: readonly Cidr[]) => cidrs.some(({ address }) => wanted.has(formatAddress(address)));
  return new Set([...addresses].filter(([, cidrs]) => has(cidrs)).map(([index]) => index));
}

const indexOf = ({ body }: Message): number => viewOf(body).getInt32(4, true);

/** Whether a message about a link may be about a NIC, as far as the message tells. */
export function mayCount({ body }: Message, virtual: SurveyOptions["virtual"]): boolean {
  if (isLoopback(body)) return false;
  if (virtual === "all" || mayHaveDevice(body)) return true;
  return virtual?.includes(nameOf(body)) === true;
}

const nameOf = (body: Uint8Array): string =>
  readText(findAttribute(body, IFLA_IFNAME, headerLength) ?? new Uint8Array(0));

function describeNics(
  survey: Survey,
  devices: Devices,
  addresses: ReadonlyMap<number, readonly Cidr[]>,
  defaults: ReadonlySet<number>,
): HostNic[] {
  const nics: HostNic[] = [];
  for (const link of survey.links.values()) {
    const standing = standingOf(survey, devices, link, new Set());
    if (standing === undefined) continue;
    const carrier = (link.flags & IFF_LOWER_UP) !== 0;
    const speed = carrier ? devices.speedOf(link.name) : undefined;
    nics.push({
      name: link.name,
      index: link.index,
      mac: link.mac,
      mtu: link.mtu,
      up: (link.flags & IFF_UP) !== 0,
      carrier,
      operstate: link.operstate,
      addresses: addresses.get(link.index) ?? [],
      physical: standing.sort !== "virtual",
      defaultRoute: defaults.has(link.index),
      ...standing,
      ...(speed === undefined ? {} : { speed }),
      ...upperOf(survey, link),
      ...switchPortOf(link),
      representor: isRepresentor(link),
    });
  }
  return nics.sort((a, b) => compareNames(a.name, b.name));
}

type Standing = Pick<HostNic, "sort" | "devices" | "lower">;

/** What makes a link a NIC; undefined where nothing does. `seen`: the links above it, as VLANs stand on VLANs. */
function standingOf(
  survey: Survey,
  devices: Devices,
  link: Link,
  seen: ReadonlySet<number>,
): Standing | undefined {
  const sort = overKind(link);
  if (sort !== undefined && !seen.has(link.index)) {
    const above = new Set([...seen, link.index]);
    const lower = lowersOf(link, survey.links);
    const standings = lower.map((each) => standingOf(survey, devices, each, above));
    const found = standings.flatMap((standing) => standing?.devices ?? []);
    if (found.length > 0) return { sort, devices: [...new Set(found)], lower: lower.map(({ name }) => name) };
  } else {
    const device = devices.of(link.name);
    if (device !== undefined && isNetwork(device)) return { sort: "device", devices: [device], lower: [] };
  }
  return survey.isAskedFor(link) ? { sort: "virtual", devices: [], lower: [] } : undefined;
}

/** On PCI, class 0x02: network controllers. Other buses have no classes. */
const isNetwork = ({ pciClass }: NicDevice): boolean => pciClass === undefined || pciClass.startsWith("02");

function upperOf({ links, messages }: Survey, { master }: Link): { upper?: string } {
  if (master === undefined) return {};
  const known = links.get(master)?.name;
  const other = () => messages.find((message) => indexOf(message) === master);
  const name = known ?? nameOf(other()?.body ?? new Uint8Array(headerLength));
  return { upper: name === "" ? `link ${master}` : name };
}

function switchPortOf({ switchId, portName }: Link): Pick<HostNic, "switchPort"> {
  if (switchId === undefined || portName === undefined) return {};
  return { switchPort: { switchId, name: portName } };
}

/** "pf0", "pf0vf1", "pf0sf88", "c1pf0vf1" (ndo_get_phys_port_name of devlink ports); "p0" is an uplink. */
function isRepresentor({ switchId, portName = "" }: Link): boolean {
  return switchId !== undefined && /^(c\d+)?pf\d+((vf|sf)\d+)?$/.test(portName);
}
