import { afterEach, beforeEach, expect, test } from "vitest";
import { openNetns } from "../../../lib/linux/netns.ts";
import { surveyNics } from "../../../lib/nic/survey.ts";
import { fakeSysfs } from "../../live/fake-sysfs.ts";
import { describeWhere, linkKind } from "../../live/kernel.ts";
import { makeNamespace, type Namespace } from "../../live/namespaces.ts";

let host: Namespace;
beforeEach(() => {
  host = makeNamespace("survey");
});
afterEach(() => host[Symbol.dispose]());

describeWhere(
  [linkKind("vlan"), linkKind("bond"), linkKind("bridge")],
  "VLANs and bonds of the kernel",
  () => {
    test("are over the NICs that they are made of", async () => {
      for (const name of ["eth1", "eth2", "eth3"])
        host.ip(`link add ${name} type veth peer name peer-${name}`);
      host.ip("link add bond0 type bond");
      host.ip("link set eth2 master bond0");
      host.ip("link set eth3 master bond0");
      host.ip("link add link eth1 name eth1.7 type vlan id 7");
      host.ip("link add link bond0 name bond0.8 type vlan id 8");
      host.ip("link add br0 type bridge");
      host.ip("link set eth1 master br0");
      host.ip("link add link br0 name br0.9 type vlan id 9");
      const numbers = [1, 2, 3];
      const sys = fakeSysfs(
        Object.fromEntries(
          numbers.map((at) => [`eth${at}`, { id: "15B3:101D", path: [`0000:3b:00.${at}`] }]),
        ),
      );
      using netns = openNetns(host.path);
      const view = { netlink: netns.netlink, sys };
      const nics = await surveyNics(view, { virtual: ["eth1", "eth2", "eth3"] });
      const told = nics.map(({ name, sort, lower, upper, devices }) => [
        name,
        sort,
        lower.join("+"),
        upper,
        devices.map(({ address }) => address).join(" "),
      ]);
      expect(told).toEqual([
        ["bond0", "bond", "eth2+eth3", undefined, "0000:3b:00.2 0000:3b:00.3"],
        ["bond0.8", "vlan", "bond0", undefined, "0000:3b:00.2 0000:3b:00.3"],
        ["eth1", "device", "", "br0", "0000:3b:00.1"],
        ["eth1.7", "vlan", "eth1", undefined, "0000:3b:00.1"],
        ["eth2", "device", "", "bond0", "0000:3b:00.2"],
        ["eth3", "device", "", "bond0", "0000:3b:00.3"],
      ]);
    });
  },
);
