// The sealer: a thread of the archive's process, so that reading and hashing sheets holds nobody up who hands one in.
import { parentPort } from "node:worker_threads";
import { chassis, serve } from "trunkline";
import { Sealer } from "../contracts/sealer.ts";
import { Member } from "../member/member.ts";
import { sealOf } from "../sheet.ts";

await using member = await Member.join({ stdin: "nothing" });

await using app = await chassis({
  name: member.name,
  listen: "worker:sealer",
  signals: false, // they are the process's
  serve: [serve(Sealer, { seal: (text) => sealOf(Buffer.from(text).toString()) })],
});
// Whatever it is told, it is that the archive closes.
parentPort!.once("message", () => void app.stop());
parentPort!.postMessage("listening");
await app.stopped;
