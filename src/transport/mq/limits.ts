import { readFileSync } from "node:fs";

/** What the system allows of message queues, mq_overview(7); undefined where it does not tell. */
export interface QueueLimits {
  /** The most messages that a queue may be made for (fs.mqueue.msg_max). */
  readonly messagesMax: number | undefined;
  /** The largest message that a queue may be made for (fs.mqueue.msgsize_max). */
  readonly bytesMax: number | undefined;
  /** The most queues of the system (fs.mqueue.queues_max). */
  readonly queuesMax: number | undefined;
  /** What all queues of the user may take together (RLIMIT_MSGQUEUE), in bytes; Infinity: there is no limit. */
  readonly userBytesMax: number | undefined;
}

export function queueLimits(): QueueLimits {
  return {
    messagesMax: numberIn("/proc/sys/fs/mqueue/msg_max", /^(\d+)/),
    bytesMax: numberIn("/proc/sys/fs/mqueue/msgsize_max", /^(\d+)/),
    queuesMax: numberIn("/proc/sys/fs/mqueue/queues_max", /^(\d+)/),
    userBytesMax: numberIn("/proc/self/limits", /^Max msgqueue size +(\S+)/m),
  };
}

function numberIn(path: string, form: RegExp): number | undefined {
  try {
    const [, number] = form.exec(readFileSync(path, "latin1")) ?? [];
    if (number === undefined) return undefined;
    return number === "unlimited" ? Infinity : Number(number);
  } catch {
    return undefined;
  }
}
