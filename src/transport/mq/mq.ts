import { systemError } from "../../base/error.ts";
import { addon, addonProblem, type Addon } from "../../os/addon.ts";
import type { Address } from "../address.ts";
import { connectionless } from "../connectionless.ts";
import type { Transport } from "../transport.ts";
import { bytesMaxDefault } from "./queue-terms.ts";
import { receiveFrom } from "./receive.ts";
import { senderTo } from "./sender.ts";

export interface MqOptions {
  /** The mode of a queue that has to be made; to send, one must be able to write to it. Default 0o600: only the same user, and root. */
  readonly mode?: number;
}

/**
 * Datagrams by POSIX message queues, between processes of one Linux host: `mq:/metrics`. None is lost or overtaken, and who sends faster
 * than the other reads waits: a queue holds few (`fs.mqueue.msg_max`, mostly 10) and small ones (`fs.mqueue.msgsize_max`, mostly 8 KiB).
 * `mq:/metrics?messages=5&bytes=2000` asks for others, where the queue has to be made. Who receives makes the queue, and one process
 * receives at a time. The queue outlives it: what is sent meanwhile waits for the next one, and nobody hears that the receiver is gone.
 * `rm /dev/mqueue/metrics` removes it, with what is in it; who sends goes on with the next one of that name.
 *
 * Needs the addon: elsewhere all is refused with UNIMPLEMENTED. `send` rejects with UNAVAILABLE where there is no queue and PERMISSION_DENIED
 * where one may not write to it. `receive` rejects: UNAVAILABLE when somebody receives there, PERMISSION_DENIED also for a
 * queue that another user has made while `mode` lets in this one alone, INVALID_ARGUMENT when the queue is there with other bounds or the system allows less, RESOURCE_EXHAUSTED when there may be no more queues.
 */
export function mq(options: MqOptions = {}): Transport {
  const { mode = 0o600 } = options;
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o777) {
    throw systemError("INVALID_ARGUMENT", `mode is ${mode}`, {
      executed: "no",
      advice: "give the bits of a file mode as a number: 0o600, 0o660 or 0o666",
    });
  }
  return {
    name: "mq",
    capabilities: {
      ordered: true,
      reliable: true,
      frameBytesMax: bytesMaxDefault,
      crossProcess: true,
      crossHost: false,
      noticesDeath: false,
      connections: "none",
    },
    ...connectionless,
    datagrams: {
      sender: async (address, terms, env) => senderTo(needed(address), address, terms, env),
      receive: async (address, hear, terms) =>
        receiveFrom(needed(address), address, mode, hear, terms),
    },
  };
}

function needed({ text }: Address): Addon {
  const os = addon();
  if (os !== undefined) return os;
  throw systemError("UNIMPLEMENTED", `message queues need the addon: ${addonProblem()}`, {
    executed: "no",
    endpoint: text,
    advice: "use udp://127.0.0.1 or unix:, which need none",
  });
}
