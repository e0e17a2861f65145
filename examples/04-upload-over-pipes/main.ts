// Uploads to a child process, over its standard streams: one is stored, one is too large, one is given up in the middle.
import { join } from "node:path";
import { client } from "trunkline";
import { stdio } from "trunkline/transport/stdio";
import { Archive } from "./archive.contract.ts";

const child = stdio({
  command: process.execPath,
  args: [...process.execArgv, join(import.meta.dirname, "archive.ts")],
});
await using archive = client(Archive, "stdio:", { transports: [child] });

/** So many chunks of 50,000 bytes; a chunk is made when the archive has room for it. */
function* chunks(count: number): Generator<Uint8Array> {
  try {
    for (let i = 0; i < count; i++) yield Buffer.alloc(50_000, i);
  } finally {
    console.log("no more chunks are wanted");
  }
}

const { bytes, sha256 } = await archive.store(chunks(10), { head: { name: "small" } });
console.log(`stored ${bytes} bytes, sha256 ${sha256.slice(0, 8)}…`);

const large = await archive.store.result(chunks(1_000_000), { head: { name: "large" } });
if (!large.ok && large.error.code === "TOO_LARGE")
  console.log(`too large: at most ${large.error.data.bytesMax} bytes`);

const stop = new AbortController();
async function* interrupted(): AsyncGenerator<Uint8Array> {
  yield* chunks(3);
  stop.abort();
  yield Buffer.from("too late");
}
const cut = await archive.store.result(interrupted(), {
  head: { name: "cut" },
  signal: stop.signal,
});
if (!cut.ok) console.log(`given up: ${cut.error.code}, executed: ${cut.error.executed}`);

console.log("stored:", (await archive.names()).join(", "));
