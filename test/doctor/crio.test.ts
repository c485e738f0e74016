import { expect, test } from "vitest";
import { crioNetwork } from "../../doctor/crio.ts";
import { captured, type Entries } from "./captured.ts";

const conf = "/etc/crio/crio.conf";
const dropIn = (name: string) => `/etc/crio/crio.conf.d/${name}`;
const none = { networkDir: "/etc/cni/net.d", pluginDirs: [], defaultNetwork: undefined };

/** As OpenShift, MicroShift and CRI-O itself write them. */
const openShift = `[crio]
internal_wipe = true
[crio.runtime]
default_env = [
    "plugin_dirs = [crio.network]",
]
allowed = [ "a", # ]
  "b" ]
[crio.network]
network_dir = "/etc/kubernetes/cni/net.d/"
plugin_dirs = [
    "/var/lib/cni/bin", # the operator's
    # "/old",
    "/usr/libexec/cni",
]

[crio.metrics]
network_dir = "/elsewhere"
`;
const microShift = '[crio.network]\ncni_default_network = "ovn-kubernetes"\n';

test.each<[sentence: string, entries: Entries, network: object]>([
  ["without CRI-O nothing is said", {}, none],
  ["a commented file says nothing", { [conf]: '[crio.network]\n# plugin_dirs = ["/x"]\n' }, none],
  ["a key of another table is none", { [conf]: '[crio.image]\nplugin_dirs = ["/x"]\n' }, none],
  ["nor is one of an array of tables", { [conf]: '[crio.network]\n[[x]]\nplugin_dirs = ["/x"]\n' }, none],
  [
    "arrays go over several lines, with comments in them, and files have any name",
    { [dropIn("00-default")]: openShift },
    {
      ...none,
      networkDir: "/etc/kubernetes/cni/net.d",
      pluginDirs: ["/var/lib/cni/bin", "/usr/libexec/cni"],
    },
  ],
  [
    "a later file is put in the place of what earlier ones say",
    {
      [conf]: '[crio.network]\nplugin_dirs = ["/opt/cni/bin/"]\ncni_default_network = "a"\n',
      [dropIn("11-ovn.conf")]: microShift,
      [dropIn("12-multus.conf")]: "[crio.network]\r\nplugin_dirs = [ '/run/cni/bin' ]\r\n",
    },
    {
      ...none,
      pluginDirs: ["/run/cni/bin"],
      defaultNetwork: { name: "ovn-kubernetes", file: dropIn("11-ovn.conf") },
    },
  ],
  [
    "an empty name is any network",
    { [conf]: microShift, [dropIn("99")]: '[crio.network]\ncni_default_network = ""' },
    none,
  ],
  [
    "/var/run is /run",
    { [conf]: '[crio.network]\nplugin_dirs = ["/var/run/cni/bin/"]\nnetwork_dir = "/var/run/net.d"\n' },
    { ...none, pluginDirs: ["/run/cni/bin"], networkDir: "/run/net.d" },
  ],
  ["a folder among the files is passed over", { [dropIn("old/")]: "755", [conf]: "" }, none],
  ["what is no TOML says nothing", { [conf]: "[crio.network\nplugin_dirs = [\n" }, none],
])("%s", (_, entries, network) => {
  expect(crioNetwork(captured(entries))).toEqual(network);
});
