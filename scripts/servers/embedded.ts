import { connect } from "node:net";
import { join } from "node:path";
import type { Server } from "./server.ts";

/** Who may in, from this machine. */
export const embeddedUser: { readonly name: string; readonly password: string } = {
  name: "guest",
  password: "guest",
};

const root = join(import.meta.dirname, "../..");
const protocolHeader = Buffer.from("AMQP\0\0\x09\x01", "latin1");

/** Our own broker beside those of somebody else: `trunkline broker` in a process of its own, with AMQP at a port. */
export function embeddedAt(port: number): Server {
  return {
    name: "trunkline",
    packages: [],
    program: process.execPath,
    port,
    prepare: (folder) => [
      ...["--conditions=@trunkline/source", join(root, "src/cli/main.ts"), "broker"],
      ...["--data", join(folder, "data"), "--listen", `amqp://127.0.0.1:${port}`],
    ],
    ready: () =>
      new Promise((resolve) => {
        const socket = connect(port, "127.0.0.1", () => socket.write(protocolHeader));
        socket.once("data", () => socket.destroy()).once("error", () => resolve(false));
        socket.once("close", () => resolve(socket.bytesRead > 0));
      }),
  };
}
