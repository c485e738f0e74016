import fc from "fast-check";
import { confusing, linkName, list, mostly, number, text } from "./arbitrary-values.ts";

/* What is under `plugin`, and the devices that a configuration may name. */

const pciAddress = fc.oneof(
  fc.tuple(fc.nat(0x1ffff), fc.nat(255), fc.nat(9)).map(([domain, bus, port]) => {
    const hex = (number: number, digits: number) => number.toString(16).padStart(digits, "0");
    return `${hex(domain, 4)}:${hex(bus, 2)}:00.${port}`;
  }),
  fc.constantFrom("0000:3b:00.1", "3B:00.2", "mlx5_core.sf.4", "", " ", ","),
);
/** One address, or several as they are joined for a pod with several resources. */
export const deviceText = fc.oneof(
  pciAddress,
  fc.array(fc.oneof(pciAddress, confusing), { maxLength: 5 }).map((all) => all.join(",")),
);
export const deviceIDs = list(deviceText);

const mac = fc.constantFrom("02:00:00:00:00:01", "01:00:5e:00:00:01", "02-00-00-00-00-01", "xx");
const path = fc.oneof(
  fc.constantFrom("/sys/devices/pci0000:00/0000:00:1f.6", "/sys/devices/../../etc", "/sys/devices/", "/"),
  text,
);
const onOff = mostly(fc.constantFrom("on", "off"));

export const plugin = fc.record(
  {
    type: mostly(
      fc.constantFrom("ipvlan", "macvlan", "macvlan", "vlan", "host-device", "sriov", "sriov", "constructor"),
    ),
    mode: mostly(fc.constantFrom("l2", "l3", "l3s", "bridge", "private", "vepa", "passthru")),
    flag: mostly(fc.constantFrom("bridge", "private", "vepa")),
    mtu: mostly(number),
    mac: mostly(mac),
    bcqueuelen: mostly(number),
    linkInContainer: mostly(fc.boolean()),
    vlan: mostly(fc.oneof(fc.nat(4200), number)),
    vlanId: mostly(fc.nat(4200)),
    vlanQoS: mostly(fc.nat(9)),
    vlanProto: mostly(fc.constantFrom("802.1q", "802.1AD", "qinq")),
    spoofchk: onOff,
    trust: onOff,
    link_state: mostly(fc.constantFrom("auto", "enable", "disable")),
    min_tx_rate: mostly(number),
    max_tx_rate: mostly(number),
    device: mostly(linkName),
    hwaddr: mostly(mac),
    kernelpath: mostly(path),
    pciBusID: mostly(deviceText),
  },
  { requiredKeys: ["type"] },
);
