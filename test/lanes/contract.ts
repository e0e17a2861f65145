import { call, contract } from "trunkline";
import * as z from "zod";

/** Each answers with the path that the request took: `front blue > middle blue > back blue`. */
export const tiers = {
  front: contract("front", { version: "1.0.0" }, { ask: call({ out: z.string() }) }),
  middle: contract("middle", { version: "1.0.0" }, { ask: call({ out: z.string() }) }),
  back: contract("back", { version: "1.0.0" }, { ask: call({ out: z.string() }) }),
};

export type Tier = keyof typeof tiers;

/** Whom each asks in turn. */
export const next: Readonly<Record<Tier, Tier | undefined>> = {
  front: "middle",
  middle: "back",
  back: undefined,
};
