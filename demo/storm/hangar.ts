import * as z from "zod";
import { call, contract } from "trunkline";
import { deadlineMs } from "./peer.ts";

/** Names the call, and is its answer. */
const Id = z.string();
const byKey = { in: Id, out: Id, idempotent: "by-key", deadline: deadlineMs } as const;

/** What is written in the transaction of its key. */
export const Hangar = contract(
  "hangar",
  { version: "1.0.0" },
  {
    look: call({ in: Id, out: Id, idempotent: true, deadline: deadlineMs }),
    reserve: call(byKey),
  },
);

/** What is done beside its key. */
export const Apron = contract("apron", { version: "1.0.0" }, { park: call(byKey) });
