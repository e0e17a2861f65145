import { uuidv7 } from "../../base/id.ts";
import { attribute } from "../../broker/attributes.ts";
import type { Member } from "../../call/compile.ts";
import type { CommandHandle, CommandMethod, PublishOptions } from "../../call/message-type.ts";
import { commandHandle, notKept } from "./command-handle.ts";
import type { ReplyParts } from "./parts.ts";
import { readToken } from "./token.ts";

/** The function of a client that sends a command and gives its handle. */
export function commandMethod(
  member: Member,
  parts: ReplyParts,
): CommandMethod<never, never, never> {
  const { owner, member: name } = member.operation;
  const operation = `${owner.name}@${owner.major}/${name}`;
  const send = async (
    input: unknown,
    options: PublishOptions = {},
  ): Promise<CommandHandle<never, never>> => {
    const box = await (await parts.desk()).commandBox();
    const sentAt = parts.env.wall();
    const id = options.id ?? uuidv7(parts.env);
    const expires = options.expires ?? member.declared.deadlineMs;
    const own = { [attribute.replyto]: box.address };
    // The operation's deadline is for the work; the receipt has no more time than any other.
    const deadline = options.deadline ?? parts.deadlineMs;
    await parts.post(member, input, { ...options, id, expires, deadline }, own);
    return commandHandle(member, { operation, id, sentAt, box: box.name }, parts);
  };
  const resume = (text: string): CommandHandle<never, never> => {
    const token = readToken(text, operation);
    if (token.box === undefined) throw notKept("the broker");
    return commandHandle(member, token, parts);
  };
  return Object.freeze(Object.assign(send, { resume }));
}
