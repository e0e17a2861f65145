import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect as connectTcp, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

import { realEnv } from "../../../base/real-env.ts";
import { parseAddress, type Address } from "../../../transport/address.ts";
import { portOf } from "../../../transport/host-port.ts";
import { tcp } from "../../../transport/tcp/index.ts";
import { testAuthority } from "../../../transport/tls/testing/authority.ts";
import { tls } from "../../../transport/tls/index.ts";
import type { Sockets } from "../../../transport/transport.ts";
import { unix } from "../../../transport/unix/index.ts";
import type { HttpHandlers, HttpServer, HttpServerOptions } from "../http-server.ts";
import { serveHttp } from "../serve-http.ts";

const env = realEnv();
const authority = testAuthority();
const own = authority.issue({ name: "orders", hosts: ["localhost", "127.0.0.1"] });

/** The authority that everybody in these tests trusts. */
export const ca: string = authority.cert;

export type Over = "tcp" | "tls" | "unix";

/** Where Node's clients find the server. */
export interface Place {
  readonly server: HttpServer;
  /** `http://127.0.0.1:…`; of a Unix socket too, with any host. */
  readonly origin: string;
  /** A new connection in clear text, or over TCP without the TLS. */
  dial(): Promise<Socket>;
}

/** Serves until the test is over; then nothing may be left. */
export async function served(
  t: TestContext,
  handlers: HttpHandlers,
  options: HttpServerOptions = {},
  over: Over = "tcp",
): Promise<Place> {
  const [address, sockets] = placeOf(t, over);
  const server = await serveHttp(address, sockets, handlers, options, env);
  t.after(() => server.drain(0));
  const target =
    over === "unix" ? { path: address.place } : { port: portOf(server.address), host: "127.0.0.1" };
  const origin =
    over === "unix"
      ? "http://unix"
      : `http${over === "tls" ? "s" : ""}://localhost:${portOf(server.address)}`;
  const dial = async (): Promise<Socket> => {
    const socket = connectTcp(target);
    socket.on("error", () => {});
    t.after(() => socket.destroy());
    await once(socket, "connect");
    return socket;
  };
  return { server, origin, dial };
}

function placeOf(t: TestContext, over: Over): [Address, Sockets] {
  if (over === "tcp") return [parseAddress("tcp://127.0.0.1:0"), tcp().sockets!];
  if (over === "tls") return [parseAddress("tls://127.0.0.1:0"), tls({ ...own }).sockets!];
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return [parseAddress(`unix:${folder}/http.sock`), unix().sockets!];
}

/** Input that is there is read, and its consequences happen. */
export function turn(): Promise<void> {
  return new Promise((resolve) => env.yield(resolve));
}

export async function turns(met: () => boolean): Promise<void> {
  while (!met()) await turn();
}
