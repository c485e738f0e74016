/** What an event's text says: who refused whom, and in which words. */
export interface Refusal {
  /** The plugin that refused: the innermost that the text names */
  readonly plugin: string | undefined;
  readonly network: string | undefined;
  /** namespace/name */
  readonly pod: string | undefined;
  /** What is left when the words of the runtime and of Multus are taken away */
  readonly said: string;
}

/** How libcni marks a plugin's error (cni, pkg/invoke/raw_exec.go, and libcni/api.go since 1.1). */
const failed = /plugin type="([^"]+)"(?: name="([^"]*)")? failed \((?:add|delete)\): /g;
/** How Multus marks a delegate's (multus-cni, pkg/multus, delegateAdd); older ones name no plugin. */
const adding = /error adding (?:container|pod) to (?:CNI )?network "([^"]*)": (?!plugin type=)/g;
/** Of DEL after it, which kubelet reports in the same text: not the cause. */
const cleanup = /, failed to clean up sandbox container[\s\S]*$/;
/** What the shim of a thick Multus puts behind it all. */
const shimTail = /'?:? ?StdinData:[\s\S]*$|\\?n?'\s*$/;

/** Takes a FailedCreatePodSandBox event apart: as CRI-O, containerd or Docker, and Multus in either form, word it. */
export function parseEvent(text: string): Refusal {
  const whole = text.replaceAll('\\"', '"').replace(/\s+/g, " ").trim().replace(cleanup, "");
  const plugins = [...whole.matchAll(failed)];
  const networks = [...whole.matchAll(adding)];
  const innermost = plugins.at(-1);
  const marks = [innermost, networks.at(-1)].map((mark) =>
    mark === undefined ? 0 : mark.index + mark[0].length,
  );
  const said = whole
    .slice(Math.max(...marks))
    .replace(shimTail, "")
    .trim();
  // The name that libcni gives is Multus' own for the outermost plugin; what Multus says of the delegate is nearer.
  const network = networks.at(-1)?.[1] ?? networkOf(whole) ?? innermost?.[2];
  return { plugin: innermost?.[1], network, pod: podIn(whole), said: said === "" ? whole : said };
}

const networkOf = (text: string) =>
  [...text.matchAll(/error adding container to network "([^"]*)"/g)].at(-1)?.[1];

const podPatterns = [
  /K8S_POD_NAMESPACE=([a-z0-9-]+);(?:.*?;)?K8S_POD_NAME=([a-z0-9.-]+)/,
  /\[([a-z0-9-]+)\/([a-z0-9.-]+?)(?:\/[^\]]*)?(?::[^\]]*)?\]/,
  /error adding pod ([a-z0-9-]+)_([a-z0-9.-]+)/,
  /pod sandbox k8s_([a-z0-9.-]+)_([a-z0-9-]+)_/,
];

function podIn(text: string): string | undefined {
  for (const [place, pattern] of podPatterns.entries()) {
    const [, first, second] = pattern.exec(text) ?? [];
    // The sandbox's own name has the pod's name first.
    if (first !== undefined) return place === 3 ? `${second}/${first}` : `${first}/${second}`;
  }
  return undefined;
}
