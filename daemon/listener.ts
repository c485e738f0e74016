import { renameSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { fileId } from "../lib/linux/file-id.ts";

/** Clients at once; one more is turned away, and serves its call itself. */
export const mostConnections = 1024;

/** sun_path of unix(7), less its NUL. */
const longestPath = 107;

export interface Listener {
  /** Whether the socket is still what clients find. */
  isInPlace(): boolean;
  /** No more connections come in; it is over when those there are have ended. */
  close(): Promise<void>;
}

/**
 * Listens at a path, 0600: on a socket made beside it and renamed, so that a client finds the old one or the new. The
 * caller sees to it that nobody else does the same. Throws what listen(2) says.
 */
export async function listenAt(path: string, serve: (socket: Socket) => void): Promise<Listener> {
  const draft = `${path}.new`;
  if (Buffer.byteLength(draft) > longestPath)
    throw new Error(
      `"${draft}" is longer than the ${longestPath} bytes of a socket's path; choose a shorter state folder`,
    );
  const server = createServer({ allowHalfOpen: false }, serve);
  server.maxConnections = mostConnections;
  rmSync(draft, { force: true });
  await listening(server, () => server.listen({ path: draft, backlog: mostConnections }));
  const id = fileId(draft);
  renameSync(draft, path);
  const isInPlace = () => fileId(path) === id;
  const close = () => {
    if (isInPlace()) rmSync(path, { force: true });
    return closed(server);
  };
  return { isInPlace, close };
}

/** Listens on the socket that systemd has opened (sd_listen_fds(3)), which stays systemd's; undefined where there is none. */
export async function listenAsActivated(
  env: Readonly<Record<string, string | undefined>>,
  serve: (socket: Socket) => void,
): Promise<Listener | undefined> {
  if (env.LISTEN_PID !== String(process.pid) || env.LISTEN_FDS !== "1") return undefined;
  const server = createServer(serve);
  server.maxConnections = mostConnections;
  await listening(server, () => server.listen({ fd: 3 }));
  return { isInPlace: () => true, close: () => closed(server) };
}

const closed = (server: Server) => new Promise<void>((resolve) => server.close(() => resolve()));

/** A socket's file gets the umask's mode, 0600, from its first moment on: there is no fchmod(2) for it. */
export function listening(server: Server, listen: () => void): Promise<void> {
  const before = process.umask(0o177);
  return new Promise<void>((resolve, reject) => {
    server.once("error", reject).once("listening", resolve);
    listen();
  }).finally(() => process.umask(before));
}
