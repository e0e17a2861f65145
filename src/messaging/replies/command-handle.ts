import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import type { Envelope } from "../../broker/envelope.ts";
import type { Member } from "../../call/compile.ts";
import type { CommandHandle, ReplyOptions } from "../../call/message-type.ts";
import { told } from "../../call/told.ts";
import type { ReplyParts } from "./parts.ts";
import { readReply } from "./reply.ts";
import type { ReplyDesk } from "./reply-desk.ts";
import { tokenText, type CommandToken } from "./token.ts";
import { valid } from "./valid.ts";
import { endOf, Waiting } from "./waiting.ts";

/** How long one wait for a reply takes at most, unless it is said otherwise. */
const withinDefault = "10s";

/** The handle of a command that was sent, by this process or another one. */
export function commandHandle(
  member: Member,
  token: CommandToken,
  parts: Pick<ReplyParts, "env" | "desk">,
): CommandHandle<never, never> {
  let answer: Envelope | undefined;
  const { env } = parts;
  let endpoint = "a broker";
  const desk = async (): Promise<ReplyDesk> => {
    const opened = await parts.desk();
    endpoint = opened.broker.address;
    return opened;
  };
  const reply = async (options: ReplyOptions = {}): Promise<unknown> => {
    const startedAt = env.now();
    try {
      answer ??= await nextReply(token, options, { env, desk });
      const outcome = readReply(answer, member.operation);
      if ("failure" in outcome) throw outcome.failure;
      return await valid(member, outcome.output);
    } catch (failure) {
      throw await told(failure, member, { endpoint, elapsedMs: env.now() - startedAt });
    }
  };
  const handle = {
    id: token.id,
    token: tokenText(token),
    durable: token.box !== undefined,
    reply,
    result: (options?: ReplyOptions) => reply(options).then(succeeded, failed),
  };
  return Object.freeze(handle) as unknown as CommandHandle<never, never>;
}

async function nextReply(
  { box, id, sentAt }: CommandToken,
  { within = withinDefault, signal }: ReplyOptions,
  { env, desk }: Pick<ReplyParts, "env" | "desk">,
): Promise<Envelope> {
  const { promise, resolve, reject } = Promise.withResolvers<Envelope>();
  const waiting = new Waiting(endOf(within, env.now()), signal, env, (why, cause) =>
    reject(why === "deadline" ? notYet() : notWaited(cause)),
  );
  const waiter = { heard: resolve, failed: (error: TrunklineError) => reject(error) };
  const look = async (): Promise<Envelope> => {
    const opened = await desk();
    if (box !== undefined && opened.broker.capabilities.replies !== "durable")
      throw notKept(opened.broker.name);
    const reader = opened.reader(box, sentAt);
    try {
      reader.wait(id, waiter);
      // Nobody hears in a box that could not be opened.
      reader.address().catch(reject);
      return await promise;
    } finally {
      reader.leave(id, waiter);
      opened.release(box, reader);
    }
  };
  try {
    return await Promise.race([look(), promise]);
  } finally {
    waiting.stop();
  }
}

/** Replies can be waited for in another process only where the broker keeps them. */
export function notKept(broker: string): TrunklineError {
  const reason = `${broker} keeps replies only for the process that has asked, as long as it lives`;
  return systemError("UNIMPLEMENTED", `the reply cannot be waited for anew: ${reason}`, {
    executed: "maybe",
    advice: "keep the handle, or use a broker with durable replies",
  });
}

const succeeded = (value: unknown): unknown => ({ ok: true, value });

const failed = (error: unknown): unknown => {
  if (isTrunklineError(error)) return { ok: false, error };
  throw error;
};

function notYet(): TrunklineError {
  return systemError("DEADLINE_EXCEEDED", "no reply has come yet", {
    executed: "maybe",
    advice: "wait again: handle.reply(), here or, by its token, anywhere",
  });
}

function notWaited(cause: unknown): TrunklineError {
  const reason = "the reply is not waited for any more; the command was not called back";
  return systemError("CANCELLED", reason, { executed: "maybe", cause });
}
