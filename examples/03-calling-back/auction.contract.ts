import { call, contract } from "trunkline";
import * as z from "zod";

/** What the auctioneer serves. */
export const Auction = contract(
  "auction",
  { version: "1.0.0" },
  {
    /** Takes part; answers when the lot is sold, with who has it and for how much. */
    join: call({ in: z.string(), out: z.object({ winner: z.string(), price: z.int() }) }),
  },
);

/** What each bidder serves, over the connection that it has made itself. */
export const Bidder = contract(
  "bidder",
  { version: "1.0.0" },
  { bid: call({ in: z.object({ above: z.int() }), out: z.union([z.int(), z.null()]) }) },
);
