import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What every sandbox runs: it only has to be there. */
export const sandboxImage = "localhost/pause:1";

/** Architectures as images name them (https://github.com/opencontainers/image-spec, config.md: GOARCH). */
const architectures: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/** Writes an image with nothing but busybox, as an OCI layout in a tar file. Gives the file. */
export function writeImage(folder: string): string {
  const layout = join(folder, "image");
  const blobs = join(layout, "blobs/sha256");
  mkdirSync(blobs, { recursive: true });
  const put = (content: Buffer | string) => {
    const hex = createHash("sha256").update(content).digest("hex");
    writeFileSync(join(blobs, hex), content);
    return { digest: `sha256:${hex}`, size: Buffer.byteLength(content) };
  };
  const layer = put(layerWithBusybox(folder));
  const config = put(
    JSON.stringify({
      architecture: architectures[process.arch],
      os: "linux",
      config: { Entrypoint: ["/busybox", "sleep", "86400"] },
      rootfs: { type: "layers", diff_ids: [layer.digest] },
    }),
  );
  const oci = (name: string) => `application/vnd.oci.image.${name}`;
  const manifest = put(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: oci("manifest.v1+json"),
      config: { mediaType: oci("config.v1+json"), ...config },
      layers: [{ mediaType: oci("layer.v1.tar"), ...layer }],
    }),
  );
  const annotations = { "io.containerd.image.name": sandboxImage };
  const manifests = [{ mediaType: oci("manifest.v1+json"), ...manifest, annotations }];
  writeFileSync(join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
  writeFileSync(join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  return tar(layout, join(folder, "image.tar"));
}

function layerWithBusybox(folder: string): Buffer {
  const root = join(folder, "layer");
  mkdirSync(root);
  cpSync("/bin/busybox", join(root, "busybox"));
  return readFileSync(tar(root, join(folder, "layer.tar")));
}

function tar(root: string, file: string): string {
  execFileSync("tar", ["-C", root, "--owner=0", "--group=0", "-cf", file, "."], { stdio: "pipe" });
  return file;
}
