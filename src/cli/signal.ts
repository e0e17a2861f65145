import { parseAddress } from "../transport/address.ts";
import { signal as signals } from "../transport/signal/index.ts";
import { ownerOf, targetOf } from "../transport/unix/owner.ts";
import { UsageError, type Command } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { checked } from "./remote.ts";
import { printJson } from "./terminal.ts";

/** What `signals: { drain: true, reload: true }` of a chassis listens to. */
const asked = { drain: "SIGUSR2", reload: "SIGHUP" } as const;

/** How long it is tried where the system holds as many signals of the user as it may, in milliseconds. */
const withinMs = 1_000;

/** Asks a process to drain or to reload, if it listens to that. */
export const signal: Command = {
  name: "signal",
  summary: "have a process drain and end, or read its settings again",
  usage: `PID|unix:PATH ${Object.keys(asked).join("|")}`,
  about: `Sends SIGUSR2 for drain, SIGHUP for reload, as kill does, but a process that
does not listen to it is left alone (on Linux, which tells that): it would die
of it. A chassis listens by \`signals: { drain: true, reload: true }\`, and so do
the commands of this program that serve. unix:PATH stands for the process that
has made that socket.`,
  options: {},
  words: [],
  examples: ["signal 4711 drain", "signal unix:./run/orders.sock reload"],
  async run(line) {
    const whom = line.word(0, "PID or unix:PATH");
    const what = line.word(1, "drain or reload");
    line.atMost(2);
    if (!Object.hasOwn(asked, what)) throw new UsageError(`write drain or reload, not "${what}"`);
    const name = asked[what as keyof typeof asked];
    const pid = await pidOf(whom);
    const { terminal, json } = line;
    const { env } = terminal;
    const address = parseAddress(`signal:${pid}?signal=${name}`);
    const sender = await signals().datagrams!.sender(address, {}, env);
    try {
      await sender.send(new Uint8Array(0), env.now() + withinMs);
    } finally {
      sender.close();
    }
    if (json) await printJson(terminal, { ok: true, pid, signal: name });
    else await terminal.print(`process ${pid} was sent ${name}\n`);
    return exitCodes.ok;
  },
};

async function pidOf(whom: string): Promise<number> {
  if (/^[1-9]\d{0,9}$/.test(whom)) return Number(whom);
  const { transport, place } = parseAddress(checked(whom));
  if (transport !== "unix") throw new UsageError(`write a PID, or unix:PATH, not "${whom}"`);
  const file = await targetOf(place);
  const pid = file === undefined ? undefined : await ownerOf(place, file);
  if (pid === undefined) throw new UsageError(`nobody who is known has made a socket at ${place}`);
  return pid;
}
