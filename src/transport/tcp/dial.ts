import type { Env } from "../../base/env.ts";
import type { Address } from "../address.ts";
import { framed } from "../framed.ts";
import { isLoopbackIp } from "../loopback.ts";
import { SocketStream } from "../socket-stream.ts";
import type { Connection, DialOptions } from "../transport.ts";
import type { Lookup } from "./lookup.ts";
import { reach } from "./reach.ts";
import { socketOptions } from "./socket-options.ts";

export async function dialTcp(
  address: Address,
  options: DialOptions,
  lookup: Lookup,
  env: Env,
): Promise<Connection> {
  const stream = await reach(address, options.until, lookup, env, (target) =>
    SocketStream.connect({ ...target, ...socketOptions }, env),
  );
  const sameHost = isLoopbackIp(stream.socket.remoteAddress ?? "");
  return framed(stream, { address: address.text, sameHost }, options, env);
}
