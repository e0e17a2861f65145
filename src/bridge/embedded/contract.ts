import { call, type CallOperation } from "../../contract/call.ts";
import { contract, type Contract } from "../../contract/contract.ts";
import type { NoErrors } from "../../contract/operation.ts";
import { plainSchema } from "../../contract/plain-schema.ts";
import type { Schema } from "../../contract/schema.ts";
import { stream, type StreamOperation } from "../../contract/stream.ts";
import type { DefinedStatus, FolderStatus, QueueStatus, UserStatus } from "./overseer.ts";

/** What a process that is not the owner calls itself. */
export interface Guest {
  readonly name: string;
  readonly pid: number;
}

/** What the owner says: first that it is there; then, once, that it leaves, and everybody is to come to rest. */
export type Word =
  | {
      readonly word: "welcome";
      readonly epoch: number;
      readonly pid: number;
      readonly guest: number;
    }
  | { readonly word: "leaving"; readonly withinMs: number };

export interface Rested {
  /** The number that it was welcomed with. */
  readonly guest: number;
}

const guest: Schema<Guest> = plainSchema({
  type: "object",
  properties: { name: { type: "string" }, pid: { type: "number" } },
  required: ["name", "pid"],
});
const word: Schema<Word> = plainSchema({
  type: "object",
  properties: { word: { type: "string" } },
  required: ["word"],
});
const rested: Schema<Rested> = plainSchema({
  type: "object",
  properties: { guest: { type: "number" } },
  required: ["guest"],
});

/** Of one virtual host, or of all. */
export interface HostRequest {
  readonly host?: string | undefined;
}

const status: Schema<FolderStatus> = plainSchema({
  type: "object",
  properties: { owner: { type: "object" }, hosts: { type: "array" } },
  required: ["owner", "hosts"],
});
const hostRequest: Schema<HostRequest> = plainSchema({
  type: "object",
  properties: { host: { type: "string" } },
});
const queue: Schema<QueueStatus> = plainSchema({ type: "object" });
const user: Schema<UserStatus> = plainSchema({ type: "object" });
const text: Schema<string> = plainSchema({ type: "string" });
const defined: Schema<DefinedStatus> = plainSchema({
  type: "object",
  properties: { taken: { type: "object" }, left: { type: "array" } },
  required: ["taken", "left"],
});

/** How the owner of a folder and its guests get along, beside the broker itself. */
export const FolderOwner: Contract<
  "trunkline-folder",
  {
    readonly stay: StreamOperation<Schema<Guest>, Schema<Word>, NoErrors>;
    readonly rested: CallOperation<Schema<Rested>, undefined, NoErrors>;
    readonly status: CallOperation<undefined, Schema<FolderStatus>, NoErrors>;
    readonly queues: StreamOperation<Schema<HostRequest>, Schema<QueueStatus>, NoErrors>;
    readonly users: StreamOperation<undefined, Schema<UserStatus>, NoErrors>;
    readonly definitions: StreamOperation<Schema<HostRequest>, Schema<string>, NoErrors>;
    readonly define: CallOperation<Schema<string>, Schema<DefinedStatus>, NoErrors>;
  }
> = contract(
  "trunkline-folder",
  { version: "1.0.0" },
  {
    stay: stream({
      in: guest,
      out: word,
      description:
        "Lasts as long as the owner does: its end is the end of everything that came by this connection.",
    }),
    rested: call({
      in: rested,
      idempotent: true,
      description: "Nothing of this guest is under way any more: the owner may leave.",
    }),
    status: call({
      out: status,
      idempotent: true,
      description: "What the folder has, and who has it.",
    }),
    queues: stream({
      in: hostRequest,
      out: queue,
      description: "The queues and logs of one virtual host, or of all.",
    }),
    users: stream({
      out: user,
      description: "Who may come in by AMQP.",
    }),
    definitions: stream({
      in: hostRequest,
      out: text,
      description: "A definitions file, in pieces.",
    }),
    define: call({
      in: text,
      out: defined,
      idempotent: true,
      description: "Makes what a definitions file says; what is there stays.",
    }),
  },
);
