import { chmod, link, mkdir, unlink } from "node:fs/promises";
import { createServer } from "node:net";
import { basename, dirname, join } from "node:path";

import type { Env } from "../../base/env.ts";
import type { Address } from "../address.ts";
import { framed } from "../framed.ts";
import { SocketStream } from "../socket-stream.ts";
import type { Connection, Listener, ListenOptions } from "../transport.ts";

export async function listenUnix(
  address: Address,
  accept: (connection: Connection) => void,
  options: ListenOptions,
  env: Env,
): Promise<Listener> {
  const path = address.place;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const hidden = join(dirname(path), `.${basename(path)}.${process.pid}.sock`);
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) =>
    accept(framed(SocketStream.accepted(socket), { address: address.text, sameHost: true }, options, env)),
  );
  server.maxConnections = options.connectionsMax ?? 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ path: hidden, exclusive: true }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  await chmod(hidden, 0o600);
  await link(hidden, path);
  return {
    address,
    close: async () => {
      if (!server.listening) return;
      await unlink(path);
      server.close();
    },
  };
}
