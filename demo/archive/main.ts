// The archive: keeps the log sheets of the towers. It stands on another host: over TLS, and only for who has a certificate.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { chassis, client, serve, type Authorize } from "trunkline";
import { Archive } from "../contracts/archive.ts";
import { Sealer } from "../contracts/sealer.ts";
import { credentials } from "../credentials.ts";
import { Member } from "../member/member.ts";
import { Cabinet, OutOfOrder, OutOfTurn } from "./cabinet.ts";

await using member = await Member.join();
const thread = new Worker(new URL("sealer.ts", import.meta.url), {
  argv: [...process.argv.slice(2), "--name", "sealer"],
});
await once(thread, "message");
await using sealer = client(Sealer, "worker:sealer");
const cabinet = new Cabinet(sealer.seal);

/** Towers hand in, the control room looks on. */
const authorize: Authorize = ({ certificate }, { name }) =>
  name === "archive.arrivals"
    ? certificate?.subject === "CN=control"
    : certificate?.subject.startsWith("CN=tower-") === true;

await using app = await chassis({
  name: member.name,
  listen: "tls://127.0.0.1:0",
  register: { id: member.name, discovery: member.registry },
  authorize,
  transports: [credentials(member.folder, member.name)],
  serve: [
    serve(Archive, {
      last: (tower) => cabinet.last(tower),
      async store(lines, { head: { tower, after }, errors, peer, refuse }) {
        if (peer.certificate?.subject !== `CN=${tower}`)
          throw refuse("PERMISSION_DENIED", `only ${tower} hands in its sheets`);
        try {
          return await cabinet.store(tower, after, lines);
        } catch (error) {
          if (error instanceof OutOfTurn) throw errors.OUT_OF_TURN({ upTo: cabinet.last(tower) });
          if (error instanceof OutOfOrder) throw errors.OUT_OF_ORDER({ entry: error.entry });
          throw error;
        }
      },
      arrivals: (_, { signal }) => cabinet.arrivals.from(0, signal),
    }),
  ],
});
app.stopping.addEventListener("abort", () => cabinet.arrivals.end());
await member.ready();
await app.stopped;
thread.postMessage("close");
await once(thread, "exit");
