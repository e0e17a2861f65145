import { contract, notification } from "trunkline";
import * as z from "zod";

export const Metrics = contract(
  "metrics",
  { version: "1.0.0" },
  {
    sample: notification({ in: z.object({ n: z.number(), pad: z.string().optional() }) }),
  },
);

export const Control = contract(
  "control",
  { version: "1.0.0" },
  {
    reload: notification({}),
  },
);

export const Level = contract(
  "level",
  { version: "1.0.0" },
  {
    set: notification({ in: z.int() }),
  },
);
