import { stringify } from "yaml";
import type { ManifestOptions } from "./command-line.ts";

const serverName = "multi-nic-concheck-server";
const clientName = "multi-nic-concheck";
const command = "multi-nic-concheck";

/**
 * What checks a network between nodes: a server on each, found by the DNS name of a headless Service, and a Job with a
 * client on each. Nothing of it calls the API server: no ServiceAccount, Role or ConfigMap is needed.
 */
export function manifests(options: ManifestOptions): string {
  return [service(options), servers(options), clients(options)]
    .map((manifest) => `---\n${stringify(manifest, { lineWidth: 0 })}`)
    .join("");
}

const labels = (app: string) => ({ "app.kubernetes.io/name": app });

/** Headless, and with pods that are not Ready too: those are what one looks for. */
function service({ namespace, port }: ManifestOptions) {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: serverName, namespace, labels: labels(serverName) },
    spec: {
      clusterIP: "None",
      publishNotReadyAddresses: true,
      selector: labels(serverName),
      ports: [{ name: "probes", port }],
    },
  };
}

function servers(options: ManifestOptions) {
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: serverName, namespace: options.namespace, labels: labels(serverName) },
    spec: {
      selector: { matchLabels: labels(serverName) },
      template: {
        metadata: podMetadata(serverName, options),
        spec: {
          ...podSpec,
          terminationGracePeriodSeconds: 2,
          containers: [container("server", ["serve", "--port", String(options.port)], options)],
        },
      },
    },
  };
}

function clients(options: ManifestOptions) {
  const { namespace, port, hosts } = options;
  const service = `${serverName}.${namespace}.svc`;
  const args = ["client", "--server", service, "--hosts", String(hosts), "--port", String(port)];
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: clientName, namespace, labels: labels(clientName) },
    spec: {
      completions: hosts,
      // All at once: a client that has ended no longer keeps the next one from its node.
      parallelism: hosts,
      // That something is not connected is a result: to try again would only say it again.
      completionMode: "Indexed",
      backoffLimitPerIndex: 0,
      template: {
        metadata: podMetadata(clientName, options),
        spec: {
          ...podSpec,
          restartPolicy: "Never",
          topologySpreadConstraints: [onePerNode],
          containers: [container("client", args, options)],
        },
      },
    },
  };
}

const onePerNode = {
  maxSkew: 1,
  topologyKey: "kubernetes.io/hostname",
  whenUnsatisfiable: "DoNotSchedule",
  labelSelector: { matchLabels: labels(clientName) },
};

const podMetadata = (app: string, { network }: ManifestOptions) => ({
  labels: labels(app),
  annotations: { "k8s.v1.cni.cncf.io/networks": network },
});

/** Sockets above port 1023 are all that is needed; and a folder for iperf3's buffers and for code to be loaded from. */
const podSpec = {
  automountServiceAccountToken: false,
  enableServiceLinks: false,
  volumes: [{ name: "tmp", emptyDir: { sizeLimit: "64Mi" } }],
};

function container(name: string, args: readonly string[], { image }: ManifestOptions) {
  return {
    name,
    image,
    command: [command, ...args],
    env: [{ name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } }],
    volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
    resources: { requests: { cpu: "100m", memory: "128Mi" } },
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 65_532,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    },
  };
}
