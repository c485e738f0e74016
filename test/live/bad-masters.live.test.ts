import { type BadInput, base, describeBadInput, ipvlan } from "./bad-input.ts";

const rows: readonly BadInput[] = [
  {
    title: "an unknown master",
    conf: base({ masters: ["eth9"] }),
    code: 7,
    says: /^masters: "eth9" .*name one of: .*eth1, eth2/,
  },
  {
    title: "a master named twice",
    conf: base({ masters: ["eth1", "eth1"] }),
    code: 7,
    says: /^masters: "eth1" .*once/,
  },
  {
    title: "a master that is down",
    conf: base({ masters: ["down0"] }),
    code: 7,
    says: /^masters: "down0" is down; run: ip link set down0 up/,
  },
  {
    title: "a master without carrier",
    conf: base({ masters: ["dark0"] }),
    code: 7,
    says: /^masters: "dark0" has no carrier; check/,
  },
  {
    title: "a master without address under ipvlan l3",
    conf: ipvlan({ mode: "l3" }, ["bare0"]),
    code: 7,
    says: /^masters: "bare0" has no address.*plugin\.mode l3.*l2/,
  },
  {
    title: "masters that are no list",
    conf: base({ masters: "eth1" }),
    code: 7,
    says: /^masters: "eth1" is not a list/,
  },
  {
    title: "a masterNets that no NIC is on",
    conf: base({ masters: [], masterNets: ["172.31.0.0/24"] }),
    code: 7,
    says: /^masterNets: .*172\.31\.0\.0\/24.*eth1/,
  },
  {
    title: "a masterNets that is no network",
    conf: base({ masters: [], masterNets: ["ten"] }),
    code: 7,
    says: /^masterNets: "ten" .*10\.0\.0\.0\/16/,
  },
  {
    title: "no masters on a host without a secondary NIC",
    conf: base({ masters: [] }),
    code: 7,
    says: /^masters: .*no secondary NIC.*masterNets/,
  },
  {
    title: "more NICs than there are",
    conf: base({ args: { cni: { nics: 3 } } }),
    code: 7,
    says: /^args\.cni\.nics: 3 .*at most 1/,
  },
  {
    title: "fewer than no NICs",
    conf: base({ args: { cni: { nics: -1 } } }),
    code: 7,
    says: /^args\.cni\.nics: -1 .*at least 0/,
  },
  {
    title: "cni-args with a master that the network does not offer",
    conf: base({ args: { cni: { masters: ["eth2"] } } }),
    code: 7,
    says: /^args\.cni\.masters: "eth2" .*name one of: eth1/,
  },
];

describeBadInput("of masters, ADD refuses", rows);
