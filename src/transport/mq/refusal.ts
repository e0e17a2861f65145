import { constants } from "node:os";
import { getSystemErrorName } from "node:util";

import { systemError, type SystemError } from "../../base/error.ts";
import type { SystemCode } from "../../base/outcome.ts";
import type { Address } from "../address.ts";
import { queueLimits } from "./limits.ts";
import type { QueueTerms } from "./queue-terms.ts";

const { EACCES, EEXIST, EINVAL, EMFILE, ENFILE, ENOENT, ENOMEM, ENOSPC, ENOSYS, EPERM } =
  constants.errno;

/** Translates what the system says when a queue is opened, made (then with `terms`), or sent to. `errno` is negative. */
export function queueRefused(address: Address, errno: number, terms?: QueueTerms): SystemError {
  const code = getSystemErrorName(errno);
  const because = (kind: SystemCode, reason: string, advice?: string): SystemError =>
    systemError(kind, `${reason} (${code})`, {
      executed: "no",
      endpoint: address.text,
      advice,
    });
  const { messagesMax, bytesMax, queuesMax, userBytesMax } = queueLimits();
  switch (-errno) {
    case ENOENT:
      return because("UNAVAILABLE", "there is no such queue", "start who receives from it first");
    case EACCES:
    case EPERM:
      return because(
        "PERMISSION_DENIED",
        "this process may not use the queue",
        "run both processes as one user, or make the queue with another mode: mq({ mode: 0o660 })",
      );
    case EINVAL:
      return because(
        "INVALID_ARGUMENT",
        `the system makes no queue for ${terms?.messages} messages of ${terms?.bytes} bytes; it allows ${messagesMax} and ${bytesMax}`,
        "ask for less by ?messages=…&bytes=…, or raise fs.mqueue.msg_max and fs.mqueue.msgsize_max with sysctl",
      );
    case EMFILE:
      return because(
        "RESOURCE_EXHAUSTED",
        `all queues of a user may take ${userBytesMax} bytes, or the process may open no more files`,
        "remove queues (ls /dev/mqueue), ask for less by ?messages=…&bytes=…, or raise `ulimit -q`",
      );
    case ENOSPC:
      return because(
        "RESOURCE_EXHAUSTED",
        `there may be ${queuesMax} queues`,
        "remove some (ls /dev/mqueue), or raise fs.mqueue.queues_max with sysctl",
      );
    case ENFILE:
    case ENOMEM:
      return because("RESOURCE_EXHAUSTED", "the system has no room for it", "free some");
    case ENOSYS:
      return because(
        "UNIMPLEMENTED",
        "this system has no message queues",
        "use unixgram: or unix:",
      );
    case EEXIST:
      return because("UNAVAILABLE", "the queue comes and goes", "look who else uses this name");
    default:
      return because("UNAVAILABLE", "the queue cannot be used");
  }
}

export function otherBounds(address: Address, asked: QueueTerms, found: QueueTerms): SystemError {
  const reason = `the queue is there for ${found.messages} messages of ${found.bytes} bytes, not for ${asked.messages} of ${asked.bytes}`;
  return systemError("INVALID_ARGUMENT", reason, {
    executed: "no",
    endpoint: address.text,
    advice: `remove it (rm /dev/mqueue${address.place}), or ask for what is there`,
  });
}

export function strangers(address: Address, uid: number): SystemError {
  return systemError("PERMISSION_DENIED", `the queue is there, and user ${uid} has made it`, {
    executed: "no",
    endpoint: address.text,
    advice: `choose another name, remove it (rm /dev/mqueue${address.place}), or let others in: mq({ mode: 0o660 })`,
  });
}

export function inUse(address: Address): SystemError {
  return systemError("UNAVAILABLE", "the address is in use: another process receives there", {
    executed: "no",
    endpoint: address.text,
    advice: "stop it, or choose another name",
  });
}
