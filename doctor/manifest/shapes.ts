/** Which keys a mapping of a manifest may have. */
export interface Shape {
  /** Keys whose value is a mapping of another shape, or a list of such */
  readonly nested: Readonly<Record<string, Shape>>;
  readonly plain: ReadonlySet<string>;
  /**
   * What other keys are: names of one's own (labels); not known (another's kind); perhaps newer than these tables, which
   * follow Kubernetes 1.34; or none, as the API has had these for years and refuses any other.
   */
  readonly others: "names" | "unknown" | "newer" | "none";
}

const shape = (others: Shape["others"], plain: string, nested: Shape["nested"] = {}): Shape => ({
  others,
  nested,
  plain: new Set(plain.split(/\s+/)),
});

const names = shape("names", "");
const object = "apiVersion kind";

const metadata = shape(
  "none",
  `name generateName namespace uid resourceVersion generation selfLink creationTimestamp deletionTimestamp
   deletionGracePeriodSeconds clusterName finalizers ownerReferences managedFields`,
  { labels: names, annotations: names },
);

const resources = shape("none", "claims", { limits: names, requests: names });

const probe = shape(
  "newer",
  "initialDelaySeconds timeoutSeconds periodSeconds successThreshold failureThreshold terminationGracePeriodSeconds",
  {
    exec: shape("newer", "command"),
    httpGet: shape("newer", "path port host scheme httpHeaders"),
    tcpSocket: shape("newer", "port host"),
    grpc: shape("newer", "port service"),
  },
);

const securityContext = shape(
  "newer",
  "allowPrivilegeEscalation privileged procMount readOnlyRootFilesystem runAsGroup runAsNonRoot runAsUser",
  {
    capabilities: shape("none", "add drop"),
    appArmorProfile: shape("newer", "type localhostProfile"),
    seccompProfile: shape("newer", "type localhostProfile"),
    seLinuxOptions: shape("newer", "level role type user"),
    windowsOptions: shape("newer", "gmsaCredentialSpecName hostProcess"),
  },
);

const variable = shape("newer", "name value", {
  valueFrom: shape("newer", "", {
    fieldRef: shape("newer", "apiVersion fieldPath"),
    resourceFieldRef: shape("newer", "containerName divisor resource"),
    configMapKeyRef: shape("newer", "key name optional"),
    secretKeyRef: shape("newer", "key name optional"),
    fileKeyRef: shape("newer", "key optional path volumeName"),
  }),
});

const container = shape(
  "newer",
  `name image imagePullPolicy command args workingDir ports envFrom volumeMounts volumeDevices resizePolicy restartPolicy
   restartPolicyRules stdin stdinOnce tty targetContainerName terminationMessagePath terminationMessagePolicy`,
  {
    resources,
    securityContext,
    env: variable,
    livenessProbe: probe,
    readinessProbe: probe,
    startupProbe: probe,
    lifecycle: shape("newer", "postStart preStop stopSignal"),
  },
);

const volume = shape(
  "newer",
  `name awsElasticBlockStore azureDisk azureFile cephfs cinder fc flexVolume flocker gcePersistentDisk gitRepo glusterfs
   photonPersistentDisk portworxVolume quobyte rbd scaleIO storageos vsphereVolume`,
  {
    configMap: shape("newer", "name items defaultMode optional"),
    secret: shape("newer", "secretName items defaultMode optional"),
    hostPath: shape("newer", "path type"),
    emptyDir: shape("newer", "medium sizeLimit"),
    persistentVolumeClaim: shape("newer", "claimName readOnly"),
    projected: shape("newer", "sources defaultMode"),
    downwardAPI: shape("newer", "items defaultMode"),
    csi: shape("newer", "driver fsType nodePublishSecretRef readOnly volumeAttributes"),
    nfs: shape("newer", "server path readOnly"),
    iscsi: shape("newer", "targetPortal iqn lun"),
    ephemeral: shape("newer", "volumeClaimTemplate"),
    image: shape("newer", "reference pullPolicy"),
  },
);

const podSpec = shape(
  "newer",
  `activeDeadlineSeconds automountServiceAccountToken dnsPolicy enableServiceLinks hostAliases hostIPC hostNetwork hostPID
   hostUsers hostname hostnameOverride imagePullSecrets nodeName os preemptionPolicy priority priorityClassName readinessGates
   resourceClaims restartPolicy runtimeClassName schedulerName schedulingGates serviceAccount serviceAccountName
   setHostnameAsFQDN shareProcessNamespace subdomain terminationGracePeriodSeconds tolerations topologySpreadConstraints
   workloadRef`,
  {
    containers: container,
    initContainers: container,
    ephemeralContainers: container,
    volumes: volume,
    nodeSelector: names,
    overhead: names,
    resources,
    affinity: shape("newer", "nodeAffinity podAffinity podAntiAffinity"),
    dnsConfig: shape("newer", "nameservers options searches"),
    securityContext: shape(
      "newer",
      `appArmorProfile fsGroup fsGroupChangePolicy runAsGroup runAsNonRoot runAsUser seLinuxChangePolicy seLinuxOptions
       seccompProfile supplementalGroups supplementalGroupsPolicy sysctls windowsOptions`,
    ),
  },
);

const selector = shape("newer", "matchExpressions", { matchLabels: names });
const template = shape("none", "", { metadata, spec: podSpec });
const job = shape(
  "newer",
  `parallelism completions completionMode backoffLimit backoffLimitPerIndex maxFailedIndexes activeDeadlineSeconds
   ttlSecondsAfterFinished suspend managedBy manualSelector podFailurePolicy podReplacementPolicy successPolicy`,
  {
    selector,
    template,
  },
);
const withSpec = (spec: Shape) => shape("none", `${object} status`, { metadata, spec });
const workload = withSpec(
  shape(
    "newer",
    `replicas minReadySeconds revisionHistoryLimit strategy updateStrategy serviceName paused progressDeadlineSeconds
   podManagementPolicy volumeClaimTemplates persistentVolumeClaimRetentionPolicy ordinals`,
    {
      selector,
      template,
    },
  ),
);

const kinds: Readonly<Record<string, Shape>> = {
  Pod: withSpec(podSpec),
  DaemonSet: workload,
  Deployment: workload,
  ReplicaSet: workload,
  StatefulSet: workload,
  Job: withSpec(job),
  CronJob: withSpec(
    shape(
      "newer",
      `schedule timeZone suspend concurrencyPolicy startingDeadlineSeconds
     successfulJobsHistoryLimit failedJobsHistoryLimit`,
      {
        jobTemplate: shape("none", "", { metadata, spec: job }),
      },
    ),
  ),
  ConfigMap: shape("none", `${object} immutable`, { metadata, data: names, binaryData: names }),
  Secret: shape("none", `${object} immutable type`, { metadata, data: names, stringData: names }),
  NetworkAttachmentDefinition: withSpec(shape("none", "config")),
  DpuClusterConfig: withSpec(shape("newer", "kubeConfigFile poolName", { nodeSelector: selector })),
};

/** Of a kind that is not looked at here: what its keys are is not known, but what all objects have, and where it ends. */
const unknownKind = shape(
  "unknown",
  `${object} binaryData immutable type status items rules roleRef subjects secrets webhooks provisioner parameters imagePullSecrets`,
  { metadata, spec: shape("unknown", ""), data: names, stringData: names },
);

/** The shape of a manifest of a kind. */
export const shapeOf = (kind: string): Shape =>
  (Object.hasOwn(kinds, kind) ? kinds[kind] : undefined) ?? unknownKind;
