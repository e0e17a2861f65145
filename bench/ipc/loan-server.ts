// The side that takes what is lent, in a process of its own: `loan-server.ts FOLDER`.
import { join } from "node:path";
import { chassis, serve } from "trunkline";
import { answer } from "../child.ts";
import { itemBytesMax, nowMs, Receiver } from "./loan-contract.ts";

const { addresses } = await chassis({
  name: "receiver",
  listen: `unix:${join(process.argv[2]!, "loans.sock")}`,
  itemBytesMax,
  serve: [
    serve(Receiver, {
      receive(payload) {
        const sum = payload[0]! + payload[payload.length - 1]!;
        return { atMs: nowMs(), sum };
      },
    }),
  ],
  signals: false,
});

answer(async () => 0, addresses[0]);
