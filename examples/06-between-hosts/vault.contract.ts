import { call, contract, notification } from "trunkline";
import * as z from "zod";

export const Vault = contract(
  "vault",
  { version: "1.0.0" },
  {
    read: call({ in: z.string(), out: z.string(), idempotent: true }),
    /** One way: nobody waits for it. */
    knock: notification({ in: z.string() }),
  },
);
