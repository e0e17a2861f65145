// For the tests of callers: servers that are not ours, on the loopback, and callers of them.
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { createServer as createRawServer, type AddressInfo, type Socket } from "node:net";

import { realEnv } from "../../../base/real-env.ts";
import { beginTrace } from "../../../base/trace.ts";
import { parseAddress } from "../../../transport/address.ts";
import { tcp } from "../../../transport/tcp/tcp.ts";
import { Attempt } from "../../attempt.ts";
import type { Caller, ConnectOptions } from "../../protocol.ts";
import type { RestOptions } from "../options.ts";
import { RestCaller } from "./caller.ts";

const env = realEnv();

/** A server on a free port of the loopback, closed with all its connections at the end. */
export interface Scene extends AsyncDisposable {
  readonly port: number;
  /** Sockets that were ever accepted. */
  readonly accepted: number;
  call(options?: ConnectOptions, rest?: RestOptions): Caller;
}

/** A server of HTTP, as `node:http` has it. */
export function httpScene(serve: RequestListener): Promise<Scene> {
  const server = createServer({ keepAliveTimeout: 60_000 }, serve);
  return scene(server);
}

/** A server that says what it wants: `serve` is called with each socket. */
export function rawScene(serve: (socket: Socket) => void): Promise<Scene> {
  return scene(createRawServer({ allowHalfOpen: true }, serve));
}

async function scene(server: ReturnType<typeof createRawServer>): Promise<Scene> {
  const sockets: Socket[] = [];
  const callers: Caller[] = [];
  server.on("connection", (socket: Socket) => sockets.push(socket.on("error", () => {})));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    get accepted() {
      return sockets.length;
    },
    call(options = {}, rest = { versions: "none" }) {
      const caller = callerAt(port, options, rest);
      callers.push(caller);
      return caller;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(callers.map((caller) => caller.close()));
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

export function callerAt(port: number, options: ConnectOptions, rest: RestOptions): Caller {
  const address = parseAddress(`http://127.0.0.1:${port}`);
  return new RestCaller(tcp().sockets!, address, options, rest, env);
}

/** Ten seconds to the deadline, when nothing else is said. */
export function attempt(
  deadlineMs: number = 10_000,
  more: {
    readonly idempotencyKey?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly totalMs?: number;
  } = {},
): Attempt {
  const { idempotencyKey, headers, totalMs = Infinity } = more;
  const now = env.now();
  return new Attempt(now + deadlineMs, now + totalMs, beginTrace(env), idempotencyKey, headers);
}
