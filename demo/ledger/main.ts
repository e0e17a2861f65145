// The ledger: counts what the towers cleared. It never sees the file.
import { chassis, serve } from "trunkline";
import { Ledger } from "../contracts/ledger.ts";
import { Member } from "../member/member.ts";
import { Book } from "./book.ts";

await using member = await Member.join();
const book = new Book();

await using app = await chassis({
  name: member.name,
  listen: member.address("ledger"),
  keys: false, // the book knows them, and what another tower says of the same flight is the same
  register: { id: member.name, discovery: member.registry },
  serve: [
    serve(Ledger, {
      record({ flight, tower }, { idempotencyKey, refuse }) {
        if (idempotencyKey === undefined) throw refuse("INVALID_ARGUMENT", "a key is needed");
        return book.enter(idempotencyKey, { flight, tower });
      },
      entries: (_, { signal }) => book.entries.from(0, signal),
      written: ({ tower, after }) => book.written(tower, after),
      figures: () => book.figures,
    }),
  ],
});
// The stream of entries has no end of its own: it ends when the ledger begins to stop, after the last entry.
app.stopping.addEventListener("abort", () => book.entries.end());
await member.ready();
await app.stopped;
