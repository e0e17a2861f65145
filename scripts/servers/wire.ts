// A wire to a server that tests can cut: what goes through it stops without a word, as in a partition of the network.
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface Wire extends AsyncDisposable {
  /** Where one connects instead of to the server. */
  readonly port: number;
  /** From now on nothing gets through, and no connection is closed. */
  cut(): void;
  /** What comes from now on gets through again; what was connected before is reset, as after a long partition. */
  mend(): void;
}

/** A wire to a port on 127.0.0.1. */
export async function wireTo(port: number): Promise<Wire> {
  const sockets = new Set<Socket>();
  let cut = false;
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        if (!cut) other.destroy();
      });
      socket.on("data", (data) => {
        if (!cut) other.write(data);
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => (cut = true),
    mend() {
      cut = false;
      for (const socket of sockets) socket.resetAndDestroy();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
