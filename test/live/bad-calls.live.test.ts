import { type BadInput, base, describeBadInput } from "./bad-input.ts";

const rows: readonly BadInput[] = [
  {
    title: "JSON with trailing bytes",
    conf: `${JSON.stringify(base({}))} x`,
    code: 6,
    says: /not one JSON document/,
  },
  {
    title: "two JSON documents",
    conf: `${JSON.stringify(base({}))}{}`,
    code: 6,
    says: /not one JSON document/,
  },
  { title: "JSON that ends early", conf: '{"cniVersion": "1.1.0"', code: 6, says: /not one JSON document/ },
  { title: "nothing on stdin", conf: "", code: 6, says: /stdin: it is empty/ },
  { title: "a list on stdin", conf: "[]", code: 6, says: /not a JSON object/ },
  { title: "no network name", conf: base({ name: undefined }), code: 7, says: /missing network name/ },
  {
    title: "a network name that leads elsewhere",
    conf: base({ name: "../n1" }),
    code: 7,
    says: /network name/,
  },
  {
    title: "a namespace that is missing",
    conf: base({}),
    at: { netns: "/run/netns/nowhere" },
    code: 3,
    says: /^CNI_NETNS: "\/run\/netns\/nowhere" does not exist/,
  },
  {
    title: "a namespace that is a file",
    conf: base({}),
    at: { netns: "/etc/hostname" },
    code: 4,
    says: /^CNI_NETNS: "\/etc\/hostname" is not a network namespace; give/,
  },
  {
    title: "a namespace of another type",
    conf: base({}),
    at: { netns: "/proc/self/ns/mnt" },
    code: 4,
    says: /^CNI_NETNS: "\/proc\/self\/ns\/mnt" is not a network namespace/,
  },
  {
    title: "the node's own namespace",
    conf: base({}),
    at: ({ node }) => ({ netns: node.host.path }),
    code: 8,
    says: /netns/,
  },
  {
    title: "no container id and no name",
    conf: base({}),
    at: { containerId: "", ifname: "" },
    code: 4,
    says: /\[CNI_CONTAINERID,CNI_IFNAME\] missing/,
  },
  {
    title: "a container id with a slash",
    conf: base({}),
    at: { containerId: "a/b" },
    code: 4,
    says: /invalid characters in containerID/,
  },
  {
    title: "an interface name with a slash",
    conf: base({}),
    at: { ifname: "a/b" },
    code: 4,
    says: /interface name contains/,
  },
  {
    title: "CNI_ARGS with a pair that is none",
    conf: base({}),
    at: { args: "IP" },
    code: 4,
    says: /^CNI_ARGS: invalid pair "IP"/,
  },
];

describeBadInput("of the call, ADD refuses", rows);
