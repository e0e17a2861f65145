// Runs the demo as a user does, shorter; and looks at what is left when it is killed.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fromSource, start } from "./program.ts";

const root = join(import.meta.dirname, "..");
const demo = [...fromSource, join(root, "demo/main.ts"), "--seconds", "6", "--json"];

suite("the demo", () => {
  test("nothing is lost, hangs, runs twice or fails untyped, whatever happens to the towers", async () => {
    const { code, stdout, stderr } = await start(process.execPath, demo, root).ended;
    equal(code, 0, stderr);
    const { kinds, connections, tree, p50_us, p99_us, ...result } = JSON.parse(stdout);
    const { lost, hung, doubled, untyped, reordered } = result;
    deepEqual(
      { ok: result.ok, lost, hung, doubled, untyped, reordered },
      { ok: true, lost: 0, hung: 0, doubled: 0, untyped: 0, reordered: 0 },
    );
    ok(kinds.call >= 80_000 && kinds.stream > 0 && kinds.notification >= 20_000, stdout);
    ok(p99_us >= p50_us && p50_us > 0, stdout);
    ok(kinds.upload >= 6 && kinds.duplex >= 6, stdout);
    // Three towers and a second life of two of them: each reaches the archive, and starts a navigator. So does the room.
    const { unix, tls, stdio, worker, http, settled, tcpLoopback } = connections;
    deepEqual({ tls, stdio, worker }, { tls: 6, stdio: 5, worker: 1 });
    // Each was looked at a second after it had opened: on a machine that has nothing else to do, none is on TCP then.
    ok(settled > 0 && tcpLoopback * 10 < settled, stdout);
    ok(http > 0 && result.over_http > 50, stdout);
    ok(unix >= 50, stdout);
    // How many says how long the roll took: 30 to 140 of the older version on the same machine, of which most callers know only that.
    const [older, newer] = [result.versions["tower@1"], result.versions["tower@2"]];
    ok(newer > 0 && older > newer, stdout);
    match(
      stderr,
      / tower-1 rolled \(SIGTERM\).*\n +0 calls failed; it served tower@1 [\d,]+ and tower@2 /,
    );
    match(stderr, /20,000 flights, [\d,]+ miles, digests: all equal/);
    match(stderr, /224 airports, departures, arrivals, delay, distance: all equal/);
    const cut = /(\d) sheets? cut after \d+ flights?: not kept, handed in again|no sheet was cut/;
    equal(result.uploads_cut, Number(cut.exec(stderr)?.[1] ?? 0)); // usually one
    match(stderr, cut);
    // Each of 1,500 flights departs and lands. Over the embedded broker, while who counts them, who asks and who owns it is killed.
    const { event, command, gather, document } = kinds;
    const carried = { event: 3_000, command: 200, gather: 40, document: 400 };
    deepEqual({ event, command, gather, document }, carried, stdout);
    const by = (result.exchanges as Exchanged[]).map(({ over, store, off }) => ({
      over,
      store,
      off,
    }));
    deepEqual(by, [{ over: "embedded", store: "sqlite", off: [] }]);
    match(stderr, / counter-1 killed \(SIGKILL\)\n/);
    match(stderr, / the broker's owner killed \(SIGKILL\), taken over by .+ in \d+ ms\n/);
    match(stderr, / counter-2 rolled \(SIGTERM\)\n/);
    match(stderr, /asker killed \(SIGKILL\): its 100 commands were answered to the one after it/);
    match(stderr, /lost 0 · applied twice 0 · out of order 0 · the file: all equal/);
    const { trace, ...first } = tree;
    match(trace, /^[0-9a-f]{32}$/);
    const [last, store, courses, written] = first.children as Branch[];
    const [seal] = store!.children;
    const tower = first.process;
    deepEqual([first, last, store, seal, courses, written].map(said), [
      `control → ${tower} tower.signOff call unix`,
      `${tower} → archive archive.last call tls`,
      `${tower} → archive archive.store upload tls`,
      "archive → sealer sealer.seal call worker",
      `${tower} → ${tower.replace("tower", "navigator")} navigator.courses duplex stdio`,
      `${tower} → ledger ledger.written stream unix`,
    ]);
    ok(first.us >= store!.us && store!.us >= seal!.us && seal!.us > 0, stdout);
    match(
      stderr,
      /one request {2}through 6 processes and threads: [0-9a-f]{32}\n {2}control\n {2}└─ tower-\d/,
    );
  });

  test("in a storm what may run twice is always answered, and of nothing else is more said than is true; written with TCP, all before it leaves TCP", async () => {
    const { code, stdout, stderr } = await start(
      process.execPath,
      [...demo, "--storm", "--tcp"],
      root,
    ).ended;
    equal(code, 0, stderr);
    const { ok: well, connections, storm, ...result } = JSON.parse(stdout) as Stormed;
    const { lost, hung, doubled, untyped, reordered } = result;
    deepEqual(
      { lost, hung, doubled, untyped, reordered },
      { lost: 0, hung: 0, doubled: 0, untyped: 0, reordered: 0 },
    );
    const { tcp, shm, settled, tcpLoopback } = connections;
    // On a machine that has nothing else to do none is on TCP when it is a second old.
    ok(tcp! >= 50 && shm! >= 50 && tcpLoopback! * 4 < settled!, stdout);
    deepEqual({ well, ok: storm.ok, off: storm.off }, { well: true, ok: true, off: [] });
    deepEqual(
      storm.rows.map(({ peer, phase }) => `${peer}, ${phase}`),
      [
        ...["kill", "roll", "freeze", "registry"].map((phase) => `unix, ${phase}`),
        "unix by registry, registry",
        ...["https", "grpcs"].flatMap((over) =>
          ["kill", "roll", "freeze"].map((phase) => `${over}, ${phase}`),
        ),
        ...["kill", "roll", "freeze"].map((phase) => `shared keys, sqlite, ${phase}`),
      ],
    );
    for (const { peer, phase, kinds, calls, ...counts } of storm.rows) {
      const { late, doubled: twice, hung: hanging, untrue } = counts;
      const gentle = phase === "roll" || phase === "registry";
      deepEqual(
        { errored: kinds.idempotent.errored, gently: gentle ? kinds.plain.errored : 0, late },
        { errored: 0, gently: 0, late: 0 },
      );
      deepEqual({ twice, hanging, untrue }, { twice: 0, hanging: 0, untrue: 0 });
      ok(calls > (peer.startsWith("shared keys") ? 100 : 500), stdout);
    }
    // Somebody was hit: a storm in which nothing happens shows nothing.
    ok(
      storm.rows.some(({ maybe }) => maybe > 0),
      stdout,
    );
  });

  for (const signal of ["SIGKILL", "SIGINT"] as const)
    test(`ended by ${signal}, it leaves no process and no file`, { timeout: 120_000 }, () =>
      leavesNothing(signal),
    );
});

async function leavesNothing(signal: NodeJS.Signals): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "demo-"));
  try {
    const child = spawn(process.execPath, demo, {
      cwd: root,
      env: { ...process.env, TMPDIR: folder },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let told = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (told += text));
    while (!told.includes("come up")) await once(child.stderr, "data");
    ok(processesWith(folder).length > 8);
    child.kill(signal);
    while (processesWith(folder).length > 0) await sleep(100);
    deepEqual(readdirSync(folder), []);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Exchanged {
  readonly store: string;
  readonly over: string;
  readonly off: readonly string[];
}

interface Stormed {
  readonly ok: boolean;
  readonly connections: Readonly<Record<string, number>>;
  readonly storm: Storm;
  readonly lost: number;
  readonly hung: number;
  readonly doubled: number;
  readonly untyped: number;
  readonly reordered: number;
}

interface Storm {
  readonly ok: boolean;
  readonly off: readonly string[];
  readonly rows: readonly {
    readonly peer: string;
    readonly phase: string;
    readonly calls: number;
    readonly maybe: number;
    readonly late: number;
    readonly doubled: number;
    readonly hung: number;
    readonly untrue: number;
    readonly kinds: Readonly<Record<"idempotent" | "plain", { readonly errored: number }>>;
  }[];
}

interface Branch {
  readonly from: string;
  readonly process: string;
  readonly operation: string;
  readonly kind: string;
  readonly over: string;
  readonly us: number;
  readonly children: readonly Branch[];
}

function said(branch: Branch | undefined): string {
  const { from, process: by, operation, kind, over } = branch!;
  return `${from} → ${by} ${operation} ${kind} ${over}`;
}

/** The processes that have the folder among their arguments. */
function processesWith(folder: string): string[] {
  const all = execFileSync("ps", ["-A", "-o", "args="], { encoding: "utf8" });
  return all.split("\n").filter((line) => line.includes(folder));
}
