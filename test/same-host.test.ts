// Processes of one host that have written TCP, as the system keeps them apart: who moves, who stays, and that all of them work.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test, type TestContext } from "node:test";
import { client, isTrunklineError, type ClientOptions, type ConnectionEvent } from "trunkline";
import { testAuthority } from "trunkline/testing";
import { tls } from "trunkline/transport/tls";
import { fromSource, start, type Program } from "./program.ts";
import { Desk, type Terms } from "./same-host/contract.ts";

const root = join(import.meta.dirname, "..");
/** The package brings the addon for this platform. */
const last = process.platform === "linux" && process.arch === "x64" ? "shm" : "unix";
const all = last === "shm" ? ["unix", "shm"] : ["unix"];
/** Another one, for `setpriv`. */
const user = ["--reuid", "65534", "--clear-groups"];

/** Where those that move meet. */
const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
chmodSync(folder, 0o777);
process.env["XDG_RUNTIME_DIR"] = folder;
after(() => rmSync(folder, { recursive: true, force: true }));

const authority = testAuthority();
const certificateOf = (name: string): NonNullable<Terms["tls"]> => ({
  ...authority.issue({ name, hosts: ["127.0.0.1", "10.113.9.1"] }),
  ca: authority.cert,
});
const [servers, clerks] = [certificateOf("desk"), certificateOf("clerk")];

/** What a client says of itself. */
interface Seen {
  readonly ways: readonly string[];
  readonly stayed?: string;
  readonly first: Who;
  readonly second: Who;
}
interface Who {
  readonly address: string;
  readonly subject?: string;
}

const schemes = ["tcp", "tls"] as const;
type Scheme = (typeof schemes)[number];

for (const scheme of schemes) {
  test(`two processes over ${scheme} move as far as there is a way, and each is for the other who it was`, async (t) => {
    const seen = await asked(t, scheme, {});
    deepEqual([seen.ways, seen.stayed], [all, undefined]);
    match(seen.first.address, new RegExp(`^${scheme}:`));
    deepEqual(seen.second, seen.first);
    equal(seen.second.subject, scheme === "tls" ? "CN=clerk" : undefined);
  });

  test(
    `two processes of two users stay on ${scheme}, and work`,
    { skip: unusable("setpriv", ...user, process.execPath, "--check", import.meta.filename) },
    async (t) => {
      const seen = await asked(t, scheme, { wrapped: ["setpriv", ...user] });
      deepEqual(seen.ways, []);
      match(seen.stayed ?? "", /of another user/);
      deepEqual(seen.second, seen.first);
    },
  );
}

for (const side of ["server", "client"] as const)
  test(`two processes stay on TCP when the ${side} says so`, async (t) => {
    const seen = await asked(t, "tcp", { [side]: { sameHost: "off" } });
    deepEqual([seen.ways, seen.stayed], [[], undefined]);
    deepEqual(seen.second, seen.first);
  });

test(
  "two processes stay on TCP when one does not see the files of the other, as in a container with the host's network",
  { skip: unusable("unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/tmp") },
  async (t) => {
    const hidden = 'mount -t tmpfs tmpfs "$XDG_RUNTIME_DIR" && exec "$0" "$@"';
    const seen = await asked(t, "tcp", { wrapped: ["unshare", "--mount", "sh", "-c", hidden] });
    deepEqual(seen.ways, []);
    match(seen.stayed ?? "", /cannot be seen \(ENOENT\)/);
  },
);

const own = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .find(({ internal, family }) => !internal && family === "IPv4")?.address;

test(
  "two processes that meet at the host's own address leave TCP",
  { skip: own === undefined ? "this machine has no address but loopback" : false },
  async (t) => {
    const seen = await asked(t, "tcp", { host: own! });
    deepEqual([seen.ways, seen.stayed], [all, undefined]);
  },
);

const tried = `trunkline-${process.pid}`;

suite(
  "processes in two network namespaces",
  { skip: unusable("sh", "-c", `ip netns add ${tried} && ip netns delete ${tried}`) },
  () => {
    const [here, there] = [`${tried}-a`, `${tried}-b`];
    const ip = (words: string): void => {
      const { status, stderr } = spawnSync("ip", words.split(" "), { encoding: "utf8" });
      equal(status, 0, stderr);
    };
    before(() => {
      for (const name of [here, there]) ip(`netns add ${name}`);
      ip(`-n ${here} link add tl type veth peer name tl netns ${there}`);
      for (const [name, number] of [
        [here, 1],
        [there, 2],
      ] as const) {
        ip(`-n ${name} address add 10.113.9.${number}/30 dev tl`);
        ip(`-n ${name} link set tl up`);
      }
    });
    after(() => {
      for (const name of [here, there]) ip(`netns delete ${name}`);
    });
    for (const scheme of schemes)
      test(`stay on ${scheme}, and work`, async (t) => {
        const seen = await asked(t, scheme, {
          host: "10.113.9.1",
          serverWrapped: ["ip", "netns", "exec", here],
          wrapped: ["ip", "netns", "exec", there],
        });
        deepEqual([seen.ways, seen.stayed], [[], undefined]);
        deepEqual(seen.second, seen.first);
      });
  },
);

for (const scheme of schemes) {
  test(`a client over ${scheme} whose server starts again moves again`, async (t) => {
    const first = await serving(t, scheme, {});
    const moves = movesTo(t, first.address);
    await using desk = client(Desk, first.address, clerkOf(scheme));
    equal(await desk.up(1), 1);
    await moves.next();
    first.program.kill("SIGKILL");
    await first.program.ended;
    const { program } = await serving(t, scheme, { address: first.address });
    equal(await desk.up(2, { deadline: "30s" }), 2);
    await moves.next();
    equal(await desk.up(3), 3);
    program.kill("SIGTERM");
    equal((await program.ended).code, 0);
  });

  test(`a server over ${scheme} that is killed at any moment of a move has executed what was told, and nothing twice`, async (t) => {
    for (const seed of seeds()) {
      const { told, done } = await struck(t, scheme, seed, "SIGKILL");
      for (const [number, what] of told) {
        if (what === "done" || what === "yes") ok(done.has(number), `${number} was done: ${seed}`);
        if (what === "no") ok(!done.has(number), `${number} was not done: ${seed}`);
      }
    }
  });

  test(`a server over ${scheme} that ends in order at any moment of a move answers all that it has begun`, async (t) => {
    for (const seed of seeds()) {
      const { told, done } = await struck(t, scheme, seed, "SIGTERM");
      for (const [number, what] of told)
        equal(what, done.has(number) ? "done" : "no", `${number}: SEED=${seed} ROUNDS=1`);
    }
  });
}

function seeds(): number[] {
  const first = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
  return Array.from({ length: Number(process.env["ROUNDS"] ?? 2) }, (_, round) => first + round);
}

type Told = "done" | "yes" | "no" | "maybe";

/** Asks while the connection moves, and has the server hit by a signal at a random moment of that. What was told, and what the server had noted. */
async function struck(
  t: TestContext,
  scheme: Scheme,
  seed: number,
  signal: NodeJS.Signals,
): Promise<{ told: Map<number, Told>; done: Set<number> }> {
  const notes = join(folder, `notes-${scheme}-${signal}-${seed}`);
  const { address, program } = await serving(t, scheme, { notes });
  const strikeAt = 1 + ((seed * 37) % 60);
  const told = new Map<number, Told>();
  await using desk = client(Desk, address, { ...clerkOf(scheme), connectWait: 200 });
  const calls: Promise<void>[] = [];
  for (let number = 0; number < strikeAt + 20; number++) {
    const one = desk.up(number, { deadline: 5_000 }).then(
      () => void told.set(number, "done"),
      (error: unknown) => void told.set(number, isTrunklineError(error) ? error.executed : "maybe"),
    );
    calls.push(one);
    if (number === strikeAt) program.kill(signal);
    if (number % 3 === 0 && number < strikeAt) await one;
  }
  await Promise.all(calls);
  await program.ended;
  const noted = readFileSync(notes, "utf8").split("\n").filter(Boolean).map(Number);
  const context = `SEED=${seed} ROUNDS=1`;
  deepEqual(
    noted,
    noted.toSorted((one, other) => one - other),
    `in order: ${context}`,
  );
  const done = new Set(noted);
  equal(done.size, noted.length, `nothing twice: ${context}`);
  return { told, done };
}

function clerkOf(scheme: Scheme): Pick<ClientOptions, "transports"> {
  return { transports: scheme === "tls" ? [tls(clerks)] : [] };
}

/** Each time that a connection to this address has come as far as it can. */
function movesTo(t: TestContext, address: string): { next(): Promise<void> } {
  let came = 0;
  let waited = 0;
  let look = (): void => {};
  const heard = (event: unknown): void => {
    const { endpoint, state, way } = event as ConnectionEvent;
    if (endpoint !== address || state !== "moved" || way !== last) return;
    came++;
    look();
  };
  subscribe("trunkline:connection", heard);
  t.after(() => unsubscribe("trunkline:connection", heard));
  return {
    async next() {
      waited++;
      if (came < waited) await new Promise<void>((resolve) => (look = resolve));
    },
  };
}

interface Circumstances {
  readonly host?: string;
  /** What comes before the programs: `setpriv`, `unshare`, with their arguments. */
  readonly wrapped?: readonly string[];
  readonly serverWrapped?: readonly string[];
  readonly server?: Pick<Terms, "sameHost">;
  readonly client?: Pick<Terms, "sameHost">;
}

/** What a client in a process of its own sees of a server in another one. */
async function asked(t: TestContext, scheme: Scheme, how: Circumstances): Promise<Seen> {
  const { host = "127.0.0.1", serverWrapped = [], wrapped = [] } = how;
  const { address } = await serving(t, scheme, { host, wrapped: serverWrapped, ...how.server });
  const terms = { address, ...(scheme === "tls" ? { tls: clerks } : {}), ...how.client };
  const { code, stdout, stderr } = await begun("client.ts", terms, wrapped, last).ended;
  equal(code, 0, stderr);
  return JSON.parse(stdout) as Seen;
}

interface Server {
  readonly address?: string;
  readonly host?: string;
  readonly notes?: string;
  readonly wrapped?: readonly string[];
  readonly sameHost?: "auto" | "off";
}

async function serving(
  t: TestContext,
  scheme: Scheme,
  { host = "127.0.0.1", address = `${scheme}://${host}:0`, notes, wrapped = [], ...choice }: Server,
): Promise<{ address: string; program: Program }> {
  const terms = { address, ...(scheme === "tls" ? { tls: servers } : {}), ...choice };
  const program = begun("server.ts", terms, wrapped, ...(notes === undefined ? [] : [notes]));
  t.after(async () => {
    program.kill("SIGKILL");
    await program.ended;
  });
  return { address: await program.line(), program };
}

function begun(name: string, terms: Terms, wrapped: readonly string[], ...more: string[]): Program {
  const program = [...fromSource, join(import.meta.dirname, "same-host", name)];
  const [command = "", ...words] = [...wrapped, process.execPath, ...program];
  return start(command, [...words, JSON.stringify(terms), ...more], root);
}

/** Why this cannot be done here; false: it can. */
function unusable(command: string, ...words: string[]): string | false {
  const { status, error } = spawnSync(command, words);
  return error === undefined && status === 0
    ? false
    : `this machine does not allow ${command} ${words.join(" ")}`;
}
