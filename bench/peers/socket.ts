import { once } from "node:events";
import {
  connect,
  createServer,
  type AddressInfo,
  type NetConnectOpts,
  type Server,
  type Socket,
} from "node:net";
import { join } from "node:path";
import * as tls from "node:tls";
import { answerWithEcho } from "../bare/echo.ts";
import { sendBlocks } from "../bare/blocks.ts";
import { bareConnected } from "../bare/connected.ts";
import { streamWire, type Wire } from "../bare/wire.ts";
import { issueIn, trusted } from "../certificate.ts";
import type { Peer } from "../peer.ts";

/** The first byte on a connection says what the client wants. */
const wanted = { echo: 1, blocks: 2 } as const;

const highWaterMark = 1024 * 1024;

/** Over a Unix socket. */
export const socket: Peer = {
  async serve(folder) {
    const path = join(folder, `${process.pid}.sock`);
    const server = createServer({ highWaterMark }, accept).listen(path);
    await once(server, "listening");
    return path;
  },
  connect: async (path) =>
    bareConnected(await dial({ path }, "echo"), await dial({ path }, "blocks")),
};

export const tcpSocket: Peer = {
  serve: () => listen(createServer({ highWaterMark, noDelay: true }, accept)),
  async connect(port) {
    const target = { host: "127.0.0.1", port: Number(port), noDelay: true };
    return bareConnected(await dial(target, "echo"), await dial(target, "blocks"));
  },
};

export const tlsSocket: Peer = {
  async serve(folder) {
    const { cert, key, ca } = issueIn(folder);
    const server = tls.createServer({ cert, key, noDelay: true, highWaterMark }, accept);
    return `${await listen(server)} ${ca}`;
  },
  async connect(place) {
    const [port, ca] = place.split(" ");
    const dialTls = async (want: keyof typeof wanted): Promise<Wire> => {
      const dialled = tls.connect({ host: "127.0.0.1", port: Number(port), ca: trusted(ca!) });
      await once(dialled.setNoDelay(), "secureConnect");
      dialled.write(Buffer.of(wanted[want]));
      return streamWire(dialled, dialled);
    };
    return bareConnected(await dialTls("echo"), await dialTls("blocks"));
  },
};

/** On a free port of the loopback, which is the place. */
async function listen(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return String((server.address() as AddressInfo).port);
}

function accept(accepted: Socket): void {
  const wire = streamWire(accepted, accepted);
  accepted.once("data", (first: Buffer) => {
    if (first[0] === wanted.blocks) sendBlocks(wire);
    else answerWithEcho(wire);
    // What came together with it comes again.
    if (first.length > 1) accepted.emit("data", first.subarray(1));
  });
}

/** Connects; what arrives is borrowed, in one buffer for all reads. */
export async function dial(target: NetConnectOpts, want: keyof typeof wanted): Promise<Wire> {
  let taken: (chunk: Buffer) => void = () => {};
  const callback = (bytes: number, memory: Uint8Array): boolean => {
    taken((memory as Buffer).subarray(0, bytes));
    return true;
  };
  const onread = { buffer: Buffer.allocUnsafeSlow(64 * 1024), callback };
  const dialled = connect({ ...target, onread });
  await once(dialled, "connect");
  dialled.write(Buffer.of(wanted[want]));
  return { ...streamWire(dialled, dialled), read: (to) => void (taken = to) };
}
