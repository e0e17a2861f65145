import type { Socket } from "node:net";

import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";

/** How long an address may keep us waiting before the next one is tried beside it (RFC 8305, section 8). */
export const attemptDelayMs = 250;

/** One address, and why it could not be connected to. */
export interface Failure {
  readonly ip: string;
  readonly error: NodeJS.ErrnoException;
}

/** How a race went: somebody won, or all have failed, or the time was over while some had not answered. */
export interface Outcome<T> {
  readonly winner: T | undefined;
  readonly failures: readonly Failure[];
  readonly silent: readonly string[];
}

/**
 * Connects to the first address that answers: one after the other, the next as soon as one has failed or has been silent for
 * `attemptDelayMs`, and those before it go on. The losers are destroyed. `start` begins to connect.
 */
export function race<T extends { readonly socket: Socket }>(
  ips: readonly string[],
  start: (ip: string) => T,
  until: number,
  env: Env,
): Promise<Outcome<T>> {
  return new Promise((resolve) => {
    const running = new Map<string, T>();
    const failures: Failure[] = [];
    let started = 0;
    let settled = false;
    const settle = (winner?: T): void => {
      settled = true;
      env.clear(next);
      env.clear(over);
      const silent = [...running.keys()];
      for (const each of running.values()) if (each !== winner) each.socket.destroy();
      resolve({ winner, failures, silent });
    };
    const failed = (ip: string, error: NodeJS.ErrnoException): void => {
      if (settled || !running.delete(ip)) return;
      failures.push({ ip, error });
      if (started < ips.length) attempt();
      else if (running.size === 0) settle();
    };
    const attempt = (): void => {
      const ip = ips[started++];
      if (settled || ip === undefined) return;
      if (started < ips.length) env.set(next, env.now() + attemptDelayMs);
      const each = start(ip);
      running.set(ip, each);
      each.socket.on("error", (error) => failed(ip, error));
      each.socket.once("connect", () => {
        if (settled) return;
        if (!isOwnEcho(each.socket)) return settle(each);
        each.socket.destroy();
        failed(ip, nobody());
      });
    };
    const over = alarmAt(env, until, () => settle());
    const next = alarmAt(env, Infinity, () => attempt());
    attempt();
  });
}

/**
 * On one host, where nobody listens, the system may choose as our own port the one that we dial: then TCP connects the
 * socket with itself.
 */
function isOwnEcho({ localAddress, localPort, remoteAddress, remotePort }: Socket): boolean {
  return localPort === remotePort && localAddress === remoteAddress;
}

function nobody(): NodeJS.ErrnoException {
  return Object.assign(new Error("connected with itself"), { code: "ECONNREFUSED" });
}
