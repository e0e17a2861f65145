// A tower: clears flights. Asks the schedule what flight it is, and has the ledger enter it.
import { client, Health } from "trunkline";
import { fileURLToPath } from "node:url";
import { stdio } from "trunkline/transport/stdio";
import { grpcSocketOf } from "../addresses.ts";
import { Archive } from "../contracts/archive.ts";
import { Ledger } from "../contracts/ledger.ts";
import { Navigator } from "../contracts/navigator.ts";
import { Schedule } from "../contracts/schedule.ts";
import { credentials } from "../credentials.ts";
import { Member } from "../member/member.ts";
import { Tables, towerServices } from "./services.ts";
import { chassisWhenFree } from "./takeover.ts";

await using member = await Member.join();
const discovery = member.registry;
await using schedule = client(Schedule, "service:schedule", { discovery });
await using ledger = client(Ledger, "service:ledger", { discovery });
await using archive = client(Archive, "service:archive", {
  discovery,
  transports: [credentials(member.folder, member.name)],
});
// A program of its own, which this tower starts, and which ends with the connection.
const pipes = stdio({
  command: process.execPath,
  args: [
    ...process.execArgv,
    fileURLToPath(new URL("../navigator/main.ts", import.meta.url)),
    ...process.argv.slice(2),
    ...["--name", `navigator-${member.number}`],
  ],
});
await using navigator = client(Navigator, "stdio:", { transports: [pipes] });
await using health = client(Health, "stdio:", { transports: [pipes] });
void health.check.result({}); // starts it now: the first sheet need not wait

const tables = new Tables();
const services = towerServices(
  member.name,
  member.build,
  { schedule, ledger, archive, navigator },
  tables,
);
await using app = await chassisWhenFree({
  name: member.name,
  listen: member.address(member.name),
  // The keys of the clearances are the ledger's: what one tower has perhaps begun, any other may be asked for again.
  register: { id: member.name, discovery, keyStore: "ledger" },
  serve: services,
  reflection: true, // the room asks how many calls each version has served, also over TCP
});
// For whoever speaks another language. By itself: the desks need not wait until this address is free too.
await using abroad = await chassisWhenFree({
  name: member.name,
  listen: `grpc+unix:${grpcSocketOf(member.folder, member.name)}`,
  serve: services,
});
// A board has no end of its own: it ends when the tower begins to stop, or it would be cut when the time is over.
app.stopping.addEventListener("abort", () => tables.board.end());
await member.ready();
await Promise.all([app.stopped, abroad.stopped]);
