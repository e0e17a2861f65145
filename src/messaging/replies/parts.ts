import type { Env } from "../../base/env.ts";
import type { Channel } from "../../broker/channel.ts";
import type { Member } from "../../call/compile.ts";
import type { Published, PublishOptions } from "../../call/message-type.ts";
import type { ReplyDesk } from "./reply-desk.ts";

/** What is needed to ask by a message, and hear what comes back. */
export interface ReplyParts {
  readonly env: Env;
  /** How long replies are waited for when nobody says otherwise, in milliseconds. */
  readonly deadlineMs: number;
  /** The desk of the connected broker. Rejects when it cannot be reached. */
  desk(): Promise<ReplyDesk>;
  channelOf(member: Member): Channel;
  /** Validates and publishes; `own` are attributes that Trunkline itself sets. Rejects as publishing does. */
  post(
    member: Member,
    input: unknown,
    options: PublishOptions,
    own: Readonly<Record<string, string>>,
  ): Promise<Published>;
}
