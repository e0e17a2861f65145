// Large payloads between processes of one host: the camera fills memory and gives it away, the archive reads these very pages.
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { client } from "trunkline";
import { loan, openTable, seal } from "trunkline/shm";
import { syncClient } from "trunkline/sync";
import { Archive, type Settings } from "./archive.contract.ts";

const child = fork(join(import.meta.dirname, "archive.ts"));
await once(child, "message");
const where = "unix:./run/archive.sock";
const itemBytesMax = 64 * 1024 * 1024;
await using archive = client(Archive, where, { itemBytesMax });

// Sending takes the page from us: the others rely on what it held. No byte of it is copied.
const picture = loan(32 * 1024 * 1024);
picture.fill(7);
console.log(`stored: ${(await archive.store(picture)).sum}; left to us: ${picture.length} bytes`);

// A page that is sealed can be read, and sent as often as we like, whole or in parts.
const film = loan(48 * 1024 * 1024);
for (let at = 0; at < film.length; at += 16 * 1024 * 1024) film.fill(at / 16 / 1024 / 1024 + 1, at);
const sealed = seal(film);
for (let at = 0; at < sealed.length; at += 16 * 1024 * 1024) {
  const { sum } = await archive.store(sealed.subarray(at, at + 16 * 1024 * 1024));
  console.log(`a part that begins with ${sealed[at]}: ${sum}`);
}

// What is read often and written seldom is a table: reading it asks nobody.
using settings = openTable<Settings>("./run/settings");
console.log(`keeps ${settings.get()?.keepDays} days, as of version ${settings.version}`);

// And where a script has nothing else to do, it may just wait.
const { pictures } = syncClient(Archive, where).report(undefined);
console.log(`${pictures} were stored`);
child.disconnect();
