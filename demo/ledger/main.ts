// The ledger: counts what the towers cleared. It never sees the file.
import { chassis, serve } from "trunkline";
import { Ledger } from "../contracts/ledger.ts";
import { Member } from "../member/member.ts";
import { Book } from "./book.ts";

await using member = await Member.join();
const book = new Book();

// The stream of entries has no end of its own: it ends when the ledger begins to stop, after the last entry.
for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => book.entries.end());

await using app = await chassis({
  name: member.name,
  listen: member.address("ledger"),
  serve: [
    serve(Ledger, {
      record({ flight, tower }, { idempotencyKey, trace, refuse }) {
        if (idempotencyKey === undefined) throw refuse("INVALID_ARGUMENT", "a key is needed");
        return book.enter(idempotencyKey, { flight, tower, trace: trace.traceId });
      },
      entries: (_, { signal }) => book.entries.from(0, signal),
      figures: () => book.figures,
    }),
  ],
});
await member.ready();
await app.stopped;
