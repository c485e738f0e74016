import { expect } from "vitest";
import { z } from "zod";

/** Names of objects (RFC 1123), and of a container's or volume's. */
const name = z.string().regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
const text = z.string().min(1);
const texts = z.record(text, z.string());

const ObjectMeta = z.strictObject({
  name,
  namespace: name,
  labels: texts.optional(),
});

const EnvVar = z.strictObject({
  name: text,
  value: z.string().optional(),
  valueFrom: z
    .strictObject({
      fieldRef: z.strictObject({
        apiVersion: z.literal("v1").optional(),
        fieldPath: z.enum(["spec.nodeName", "metadata.name"]),
      }),
    })
    .optional(),
});

const Container = z.strictObject({
  name,
  image: text,
  imagePullPolicy: z.enum(["Always", "IfNotPresent", "Never"]).optional(),
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  env: z.array(EnvVar).optional(),
  readinessProbe: z
    .strictObject({
      exec: z.strictObject({ command: z.array(text).min(1) }),
      periodSeconds: z.int().optional(),
      timeoutSeconds: z.int().optional(),
    })
    .optional(),
  resources: z.strictObject({ requests: texts.optional(), limits: texts.optional() }).optional(),
  securityContext: z
    .strictObject({ privileged: z.boolean().optional(), readOnlyRootFilesystem: z.boolean().optional() })
    .optional(),
  volumeMounts: z
    .array(
      z.strictObject({
        name,
        mountPath: z.string().startsWith("/"),
        readOnly: z.boolean().optional(),
        mountPropagation: z.enum(["None", "HostToContainer", "Bidirectional"]).optional(),
      }),
    )
    .optional(),
});

const Volume = z.strictObject({
  name,
  hostPath: z
    .strictObject({
      path: z.string().startsWith("/"),
      type: z.enum(["Directory", "DirectoryOrCreate", "File"]).optional(),
    })
    .optional(),
  configMap: z
    .strictObject({
      name,
      defaultMode: z.int().optional(),
      items: z.array(z.strictObject({ key: text, path: text })).optional(),
    })
    .optional(),
});

/** apps/v1 DaemonSet, as far as ours use it: a field that is not here is a slip of the pen, or has to be added. */
export const DaemonSet = z.strictObject({
  apiVersion: z.literal("apps/v1"),
  kind: z.literal("DaemonSet"),
  metadata: ObjectMeta,
  spec: z.strictObject({
    revisionHistoryLimit: z.int().optional(),
    selector: z.strictObject({ matchLabels: texts }),
    updateStrategy: z
      .strictObject({
        type: z.enum(["RollingUpdate", "OnDelete"]),
        rollingUpdate: z
          .strictObject({
            maxSurge: z.union([z.int(), text]).optional(),
            maxUnavailable: z.union([z.int(), text]).optional(),
          })
          .optional(),
      })
      .optional(),
    template: z.strictObject({
      metadata: z.strictObject({ labels: texts, annotations: texts.optional() }),
      spec: z.strictObject({
        nodeSelector: texts.optional(),
        tolerations: z.array(z.strictObject({ operator: z.literal("Exists") })),
        priorityClassName: text.optional(),
        serviceAccountName: name,
        automountServiceAccountToken: z.boolean().optional(),
        hostNetwork: z.boolean(),
        hostPID: z.boolean().optional(),
        terminationGracePeriodSeconds: z.int().optional(),
        containers: z.array(Container).min(1),
        volumes: z.array(Volume),
      }),
    }),
  }),
});
export type DaemonSet = z.infer<typeof DaemonSet>;

/** What the API server checks across fields (pkg/apis/apps/validation, ValidateDaemonSetSpec), and what a DPU needs. */
export function holdValid(daemonSet: unknown): DaemonSet {
  const { spec, ...rest } = DaemonSet.parse(daemonSet);
  const { template } = spec;
  expect(template.metadata.labels).toMatchObject(spec.selector.matchLabels);
  const volumes = template.spec.volumes.map((volume) => volume.name);
  expect(new Set(volumes).size).toBe(volumes.length);
  for (const { volumeMounts = [] } of template.spec.containers) {
    expect(volumes).toEqual(expect.arrayContaining(volumeMounts.map((mount) => mount.name)));
    const paths = volumeMounts.map(({ mountPath }) => mountPath);
    expect(new Set(paths).size).toBe(paths.length);
  }
  // infra-dpu-cni refuses every other pod, and no DPU may keep it away.
  expect(template.spec).toMatchObject({ hostNetwork: true, tolerations: [{ operator: "Exists" }] });
  return { spec, ...rest };
}
