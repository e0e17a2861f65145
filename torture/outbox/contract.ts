import { bind, contract, event } from "trunkline";
import * as z from "zod";

const Told = z.object({ id: z.string(), key: z.string(), follow: z.boolean() });
export type Told = z.output<typeof Told>;

/** What the writers publish, and what their consumers publish on. */
export const Torture = contract(
  "torture",
  { version: "1.0.0" },
  {
    placed: event({ data: Told, key: "key" }),
    /** Without any order. */
    noted: event({ data: Told }),
    /** Published by the handler of `placed`. */
    followed: event({ data: Told, key: "key" }),
  },
);

export const group = "effects";

export const bindings = [Torture.placed, Torture.noted, Torture.followed].map((operation) =>
  bind(operation, { groups: [group], shards: 8 }),
);
