import * as z from "zod";
import { call, contract } from "trunkline";
import { deadlineMs } from "./peer.ts";

/** Names the call, and is its answer. */
const Id = z.string();

/** A call of each kind: what may be repeated, what may be with its key, and what nothing is said of. */
export const Runway = contract(
  "runway",
  { version: "1.0.0" },
  {
    look: call({ in: Id, out: Id, idempotent: true, deadline: deadlineMs }),
    reserve: call({ in: Id, out: Id, idempotent: "by-key", deadline: deadlineMs }),
    land: call({ in: Id, out: Id, deadline: deadlineMs }),
  },
);
