import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bin, goPlugin } from "../plugin.ts";
import { sandboxImage } from "./image.ts";

/** Parts of containerd that are not needed, and would look for devices or folders of the machine. */
const unused = [
  "io.containerd.internal.v1.opt",
  "io.containerd.internal.v1.restart",
  "io.containerd.internal.v1.tracing",
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
  "io.containerd.tracing.processor.v1.otlp",
];

/** Go's plugins: `loopback` for every pod, the others for the chain with a bridge. */
const fromGo = ["loopback", "bridge", "host-local"];

/** Writes containerd's configuration and makes its folders, all in one folder. */
export function writeConfig(folder: string) {
  const at = (name: string) => join(folder, name);
  const paths = {
    file: at("config.toml"),
    socket: at("socket"),
    pidFile: at("pid"),
    output: at("output"),
    confDir: at("net.d"),
    state: at("state"),
  };
  const binDir = at("bin");
  for (const made of [paths.confDir, binDir]) mkdirSync(made);
  for (const name of readdirSync(bin)) symlinkSync(join(bin, name), join(binDir, name));
  for (const name of fromGo) symlinkSync(goPlugin(name) ?? `/missing/${name}`, join(binDir, name));
  const text = JSON.stringify; // a JSON string is a TOML string, and so are lists of them
  writeFileSync(
    paths.file,
    `version = 2
root = ${text(at("root"))}
state = ${text(paths.state)}
disabled_plugins = ${text(unused)}
[grpc]
address = ${text(paths.socket)}
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = ${text(sandboxImage)}
disable_tcp_service = true
disable_apparmor = true
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = ${text(binDir)}
conf_dir = ${text(paths.confDir)}
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"
`,
  );
  return paths;
}
