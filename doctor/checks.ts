import { cniConf } from "./check/cni-conf.ts";
import { cniFolder } from "./check/cni-folder.ts";
import { hostOpenVswitch } from "./check/host-open-vswitch.ts";
import { hwTcOffload } from "./check/hw-tc-offload.ts";
import { kernel } from "./check/kernel.ts";
import { multusCache } from "./check/multus-cache.ts";
import { openVswitchBridges } from "./check/open-vswitch-bridges.ts";
import { openVswitchSettings } from "./check/open-vswitch-settings.ts";
import { ownExecutables } from "./check/own-executables.ts";
import { pfUp } from "./check/pf-up.ts";
import { readinessIndicator } from "./check/readiness-indicator.ts";
import { representors } from "./check/representors.ts";
import { sriovCapacity } from "./check/sriov-capacity.ts";
import { stateFolder } from "./check/state-folder.ts";
import { swap } from "./check/swap.ts";
import { switchdev } from "./check/switchdev.ts";
import { sysctls } from "./check/sysctls.ts";
import { toolVersions } from "./check/tool-versions.ts";
import { vfDrivers } from "./check/vf-drivers.ts";
import { vfNames } from "./check/vf-names.ts";
import type { Check } from "./check.ts";

/** Every check, in the order of their report: the kernel first, then NICs, Open vSwitch, CNI, and what is ours. */
export const checks: readonly Check[] = [
  kernel,
  toolVersions,
  swap,
  sysctls,
  sriovCapacity,
  pfUp,
  vfDrivers,
  vfNames,
  hwTcOffload,
  hostOpenVswitch,
  switchdev,
  representors,
  openVswitchSettings,
  openVswitchBridges,
  cniFolder,
  cniConf,
  readinessIndicator,
  multusCache,
  ownExecutables,
  stateFolder,
];
