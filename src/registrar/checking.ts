import { connect, type Socket } from "node:net";

import { alarmAt } from "../base/alarm.ts";
import type { Env } from "../base/env.ts";
import { isTrunklineError } from "../base/error.ts";
import { client } from "../chassis/client.ts";
import { Health } from "../chassis/health.ts";
import { parseAddress } from "../transport/address.ts";
import type { Target } from "./target.ts";

/** What one look at a target has shown. `stopping`: it answers, and says that it does not want to be called. */
export type Look =
  | { readonly as: "healthy" }
  | { readonly as: "stopping" }
  | { readonly as: "unhealthy"; readonly reason: string };

/** Looks at one target, as often as it is asked to. */
export interface Checker {
  look(withinMs: number): Promise<Look>;
  close(): Promise<void>;
}

const healthy: Look = { as: "healthy" };

/** What looks at a target in the way that it wants. */
export function checkerOf({ addresses: [address = ""], check }: Target, env: Env): Checker {
  if (check === "none") return { look: () => Promise.resolve(healthy), close: async () => {} };
  if (check === "tcp")
    return { look: (withinMs) => reached(address, withinMs, env), close: async () => {} };
  const asked = client(Health, address, { env });
  return {
    async look(withinMs) {
      try {
        const { serving } = await asked.check({}, { deadline: withinMs });
        return serving ? healthy : { as: "stopping" };
      } catch (error) {
        return { as: "unhealthy", reason: isTrunklineError(error) ? error.reason : String(error) };
      }
    },
    close: async () => asked[Symbol.asyncDispose](),
  };
}

/** Connects and hangs up. */
async function reached(address: string, withinMs: number, env: Env): Promise<Look> {
  let socket: Socket | undefined;
  try {
    socket = connect(placeOf(address));
    await opened(socket, withinMs, env);
    return healthy;
  } catch (error) {
    return { as: "unhealthy", reason: (error as Error).message };
  } finally {
    socket?.destroy();
  }
}

function opened(socket: Socket, withinMs: number, env: Env): Promise<void> {
  return new Promise((resolve, reject) => {
    const alarm = alarmAt(env, env.now() + withinMs, () =>
      reject(new Error(`no connection within ${withinMs} ms`)),
    );
    socket.on("connect", resolve).on("error", reject);
    socket.on("close", () => env.clear(alarm));
  });
}

function placeOf(address: string): { path: string } | { host: string; port: number } {
  const { transport, place, text } = parseAddress(address);
  if (transport === "unix") return { path: place };
  const [, host, port] = /^(.+):(\d+)$/.exec(place) ?? [];
  if (host === undefined) throw new Error(`${text} is no place to connect to`);
  return { host: host.replaceAll(/[[\]]/g, ""), port: Number(port) };
}
