import { release } from "node:os";
import type { Result } from "../../lib/cni/result.ts";
import { callMultiNic, interfacesOf, writeNodeFile } from "./attachment.ts";
import { addHostRoutes, planHostRoutes } from "./host-routes.ts";
import { leftBehind, takeInventory } from "./leftovers.ts";
import { pingAll } from "./ping.ts";
import type { AttachedHost, Report } from "./report.ts";
import { chooseTemplate, type Template } from "./template.ts";
import { type Host, hosts, makeTopology } from "./topology.ts";

type Added = Omit<AttachedHost, "delMs">;

/**
 * Attaches a pod on each of two hosts, pings between them, detaches both, and looks for what is left. `bin` is the
 * folder of the executables; `say` takes a line about each step. The namespaces end with this process.
 */
export async function demonstrate(bin: string, say: (line: string) => void): Promise<Report> {
  const template = await chooseTemplate();
  if (template.ipvlanRefusal !== undefined) say("this kernel makes no ipvlan links: macvlan stands in");
  say("making two hosts with two NICs each, and two switches between them");
  await makeTopology();
  const routes = planHostRoutes(template, hosts);
  await addHostRoutes(template, routes);
  for (const host of hosts) writeNodeFile(host, template);
  // The first start reads the executable from disk, which no pod of a node in use has to wait for.
  for (const host of hosts) await callMultiNic("VERSION", host, bin, template);
  const before = await takeInventory(hosts);

  say("ADD: attaching a pod on each host");
  const added: Added[] = [];
  for (const host of hosts) added.push(await add(host, bin, template));
  say("pinging from every address to every address of the other pod");
  const pings = await pingAll(
    added.map(({ pod, interfaces }) => ({
      pod,
      addresses: interfaces.map(({ address }) => address.replace(/\/.*/, "")),
    })),
  );
  say("DEL: detaching both, and looking for what is left");
  const attached: AttachedHost[] = [];
  for (const host of added) {
    const { ms: delMs } = await callMultiNic("DEL", host, bin, template);
    attached.push({ ...host, delMs });
  }
  return {
    kernel: release(),
    link: template.link,
    template: template.file,
    ipvlanRefusal: template.ipvlanRefusal,
    hosts: attached,
    routes,
    pings,
    leftBehind: leftBehind(before, await takeInventory(hosts)),
  };
}

async function add(host: Host, bin: string, template: Template): Promise<Added> {
  const { stdout, ms: addMs } = await callMultiNic("ADD", host, bin, template);
  return { ...host, addMs, interfaces: interfacesOf(JSON.parse(stdout) as Result, host) };
}
