// `victim.ts TERMS`: dials or listens, sends and receives numbered frames over connections that move, and dies at a point, stands still
// there until it is told to go on, or is killed from outside.
import { closeSync, openSync, writeSync } from "node:fs";
import { parseAddress } from "../../src/transport/address.ts";
import { realEnv } from "../../src/base/real-env.ts";
import { seededRandom } from "../../src/base/random.ts";
import type { MovingStream } from "../../src/transport/moving-stream.ts";
import type { Connection } from "../../src/transport/transport.ts";
import { unix } from "../../src/transport/unix/index.ts";
import { insidesOf } from "./insides.ts";
import { watchFor } from "./points.ts";
import { framesIn, Traffic } from "./traffic.ts";
import { addressOf, connectionsOf, moveSoon, type VictimTerms } from "./victim-terms.ts";

/** What it says on its standard output. */
const told = { listening: "L", stands: "S" } as const;

const terms = JSON.parse(process.argv[2]!) as VictimTerms;
const env = realEnv();
const random = seededRandom(terms.seed, `victim ${terms.victim}`);
const transport = unix({ shm: { ringBytes: 65_536 } });
const journal = openSync(terms.journal, "w");
const traffics: Traffic[] = [];
let stood = false;

const { point } = terms;
if (point !== undefined)
  watchFor(point, terms.nth, () => {
    if (terms.deed === "kill") {
      process.kill(process.pid, "SIGKILL");
      for (;;); // Nothing more may happen, should the signal take its time.
    }
    stood = true;
    writeSync(1, told.stands);
    process.kill(process.pid, "SIGSTOP");
  });

/** Each frame that has left is written down before anything else happens. */
function journaled(connection: Connection, slot: number): void {
  const { stream } = connection.moves as unknown as { readonly stream: MovingStream };
  const write = stream.write.bind(stream);
  const count = Buffer.alloc(4);
  let frames = 0;
  stream.write = (bytes, written) => {
    const more = framesIn(bytes);
    write(bytes, (error) => {
      if (!error) {
        frames += more;
        count.writeUInt32LE(frames);
        writeSync(journal, count, 0, 4, slot * 4);
      }
      written(error);
    });
  };
}

function begin(connection: Connection, dialled: boolean): void {
  const slot = traffics.length;
  journaled(connection, slot);
  const traffic = new Traffic(
    connection,
    { victim: terms.victim, slot, random, pauses: random() < 0.5 },
    {
      broken: (what) => fail(what),
      closed: ({ kind, message }) => {
        if (kind === "broken") fail(message);
        if (traffics.length === connectionsOf && traffics.every(({ closed }) => closed)) leave();
      },
    },
  );
  traffics.push(traffic);
  if (dialled) moveSoon(connection, random);
}

function fail(what: string): void {
  console.error(what);
  process.exit(3);
}

function leave(): void {
  closeSync(journal);
  // A point of the end may come in a moment.
  setTimeout(() => process.exit(0), 20);
}

/** Where nothing has hit it, it ends in order: a point may be in that, and whoever stood still is seen to be whole. */
setInterval(() => {
  const enough =
    traffics.length === connectionsOf && traffics.every(({ received }) => received > 60);
  if (enough && (point !== undefined || terms.deed === "stop"))
    for (const each of traffics) each.end();
  void stood;
}, 5);

/** Asked, because it should be over by now. */
process.on("SIGHUP", () => {
  void (async () => {
    for (const each of traffics) console.error(await insidesOf(each));
    console.error(`${traffics.length} connections of ${connectionsOf}`);
  })();
});

const address = parseAddress(addressOf(terms));
if (terms.dials)
  for (let count = 0; count < connectionsOf; count++)
    begin(await transport.dial(address, { until: env.now() + 20_000 }, env), true);
else {
  await transport.listen(address, (connection) => begin(connection, false), {}, env);
  writeSync(1, told.listening);
}
