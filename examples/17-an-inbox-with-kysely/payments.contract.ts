import { contract, event } from "trunkline";
import * as z from "zod";

const Payment = z.object({ account: z.string(), cents: z.int() });

export const Payments = contract(
  "payments",
  { version: "1.0.0" },
  {
    due: event({ data: Payment, key: "account" }),
    charged: event({ data: Payment, key: "account" }),
  },
);
