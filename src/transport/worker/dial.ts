import { MessageChannel, threadId } from "node:worker_threads";

import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import type { SystemError } from "../../base/error.ts";
import type { Address } from "../address.ts";
import { framed } from "../framed.ts";
import { outgoingBounds } from "../outgoing-bounds.ts";
import type { Connection, DialOptions } from "../transport.ts";
import { PortStream } from "./port-stream.ts";
import { hungUp, mainUnreachable, nobodyListens, notInTime } from "./refusal.ts";
import { ask, type DialAnswer } from "./switchboard.ts";

/** Has a new channel put through to the listener, and waits until that one has accepted it. */
export async function dialWorker(
  address: Address,
  options: DialOptions,
  env: Env,
): Promise<Connection> {
  // Refuses options with which no connection can be made, before anybody is asked.
  outgoingBounds(options);
  if (env.now() >= options.until) throw notInTime(address);
  const { port1: near, port2: far } = new MessageChannel();
  return new Promise((resolve, reject) => {
    const onAnswer = (answer: DialAnswer): void => {
      if (answer === "nobody") return refuse(nobodyListens(address));
      // Takes over the port before we let go of it: the next message may be there already.
      const stream = new PortStream(near, env);
      settle();
      const peer = { address: address.text, sameHost: true, threadId: answer.accepted };
      resolve(framed(stream, peer, options, env));
    };
    const onClose = (): void => refuse(hungUp(address));
    const alarm = alarmAt(env, options.until, () => refuse(notInTime(address)));
    const settle = (): void => {
      env.clear(alarm);
      near.off("message", onAnswer).off("close", onClose);
    };
    const refuse = (error: SystemError): void => {
      settle();
      near.close();
      reject(error);
    };
    near.on("message", onAnswer).on("close", onClose);
    ask({ act: "dial", name: address.place, port: far, from: threadId }).catch((error: unknown) =>
      refuse(mainUnreachable(address, error)),
    );
  });
}
