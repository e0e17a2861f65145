import { once } from "node:events";
import { MessageChannel, threadId, type MessagePort } from "node:worker_threads";

import type { Env } from "../../base/env.ts";
import type { Address } from "../address.ts";
import { framed } from "../framed.ts";
import { connectionsMax } from "../listen-bounds.ts";
import type { Connection, Listener, ListenOptions } from "../transport.ts";
import { PortStream } from "./port-stream.ts";
import { mainUnreachable, nameInUse, namesUsedUp } from "./refusal.ts";
import { ask, type DialAnswer, type Dialled, type LineMessage } from "./switchboard.ts";

/** Has the name entered in the main thread, and accepts what that puts through. */
export async function listenWorker(
  address: Address,
  accept: (connection: Connection) => void,
  options: ListenOptions,
  env: Env,
): Promise<Listener> {
  const take = acceptor(address, accept, options, env);
  const { port1: line, port2: far } = new MessageChannel();
  return new Promise((resolve, reject) => {
    line.on("message", (message: LineMessage) => {
      if (message === "listening") resolve(listenerOn(line, address));
      else if (message === "taken") reject(nameInUse(address));
      else if (message === "full") reject(namesUsedUp(address));
      else take(message);
    });
    ask({ act: "listen", name: address.place, port: far, from: threadId }).catch(
      (error: unknown) => {
        line.close();
        reject(mainUnreachable(address, error));
      },
    );
  });
}

/** Makes connections of the ports that arrive, as many as may be open. */
function acceptor(
  address: Address,
  accept: (connection: Connection) => void,
  options: ListenOptions,
  env: Env,
): (dialled: Dialled) => void {
  const most = connectionsMax(options);
  let connections = 0;
  return ({ port, from }) => {
    port.postMessage({ accepted: threadId } satisfies DialAnswer);
    if (connections >= most) return port.close();
    connections++;
    port.on("close", () => connections--);
    const stream = new PortStream(port, env);
    accept(framed(stream, { address: address.text, sameHost: true, threadId: from }, options, env));
  };
}

function listenerOn(line: MessagePort, address: Address): Listener {
  let closed: Promise<unknown> | undefined;
  const close = (): Promise<unknown> => {
    line.postMessage("close");
    return once(line, "close");
  };
  return { address, close: async () => void (await (closed ??= close())) };
}
