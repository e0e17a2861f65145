import { deepEqual, equal, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { client, close, type TrunklineError } from "trunkline";
import { addonProblem } from "../../src/os/addon.ts";
import { Desk } from "./calls/contract.ts";
import { recorded, type Recorded } from "./calls/recorded.ts";
import { ServerChild, type Wrapped } from "./calls/server-child.ts";
import type { ServerTerms } from "./calls/server.ts";
import { boundFor, limit, memoryGroup, unusable } from "./limits.ts";
import type { Act, Point } from "./points.ts";

/** On the side that was dialled: where its peer is frozen in the middle of the way to shared memory, and just behind. */
const frozenAt: readonly Point[] = (
  [
    ["before", "word said"],
    ["before", "seals looked at"],
    ["after", "memory sent"],
    ["after", "let go on"],
    ["before", "tail stored"],
  ] satisfies [Point["when"], Act][]
).map(([when, act]) => ({ when, act }));

const nobody = 65_534;

suite("who survives", { skip: addonProblem() ?? false, concurrency: 4 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  after(() => rmSync(folder, { recursive: true }));
  let count = 0;

  const termsOf = (terms: Partial<ServerTerms> = {}): ServerTerms => {
    count++;
    const address = `unix:${folder}/${count}.sock`;
    return { address, journal: join(folder, `${count}.journal`), ...terms };
  };

  const begin = async (terms: ServerTerms, wrapped: Wrapped = []): Promise<Survivor> => {
    const server = await new ServerChild(terms, wrapped).up();
    const dialled = recorded({ shm: { ringBytes: terms.ringBytes ?? 65_536 } });
    const desk = client(Desk, terms.address, { transports: [dialled.transport] });
    return {
      ...{ server, dialled, desk },
      [Symbol.asyncDispose]: async () => {
        await server[Symbol.asyncDispose]();
        await close(desk);
      },
    };
  };

  for (const point of frozenAt)
    test(`deadlines hold while the peer is frozen ${point.when} ${point.act}, and calls go on after that`, async () => {
      await using survivor = await begin(termsOf({ point, nth: 1, deed: "stop" }));
      const { server, desk } = survivor;
      const outcomes = Promise.all(
        Array.from({ length: 4 }, (_, index) =>
          desk.note.result({ id: `early-${index}` }, { deadline: 400 }),
        ),
      );
      await server.stands;
      const late = await desk.note.result({ id: "late" }, { deadline: 100 });
      equal(late.ok ? "ok" : late.error.code, "DEADLINE_EXCEEDED");
      const told = [...(await outcomes), late];
      server.child.kill("SIGCONT");
      deepEqual(await desk.note({ id: "again" }), { id: "again" });
      const ran = server.served();
      const ids = ["early-0", "early-1", "early-2", "early-3", "late"];
      for (const [index, result] of told.entries()) {
        const has = ran.has(ids[index]!);
        if (result.ok) ok(has, `${ids[index]} was answered`);
        else if ((result.error as TrunklineError).executed === "no") ok(!has, `${ids[index]} ran`);
      }
    });

  test("a peer that stands still for seconds is waited for, and every item comes", async () => {
    await using survivor = await begin(termsOf());
    const { server, desk, dialled } = survivor;
    const numbers: number[] = [];
    let going: NodeJS.Timeout | undefined;
    for await (const { number } of desk.count({ to: 20_000 })) {
      numbers.push(number);
      if (number !== 1_000) continue;
      server.child.kill("SIGSTOP");
      going = setTimeout(() => server.child.kill("SIGCONT"), 2_000);
    }
    clearTimeout(going);
    equal(dialled.way(), "shm");
    equal(numbers.length, 20_000);
    ok(numbers.every((number, index) => number === index));
  });

  test("a server that stops in order answers what came by shared memory", async () => {
    await using survivor = await begin(termsOf());
    const { server, desk, dialled } = survivor;
    await moved(survivor);
    const results = Array.from({ length: 20 }, (_, index) =>
      desk.note.result({ id: `${index}-slow` }),
    );
    while (!server.served().has("19-slow")) await turn();
    server.child.kill("SIGTERM");
    for (const result of await Promise.all(results)) ok(result.ok);
    await server.ended;
    equal(dialled.way(), "shm");
    equal(server.child.exitCode, 0);
  });

  test(
    "between two users it stays on the socket, and works",
    { skip: unusable("setpriv", "--reuid", String(nobody), "true") },
    async () => {
      chmodSync(folder, 0o755);
      await using survivor = await begin(termsOf());
      const { desk, dialled } = survivor;
      // A server of ours that others may dial is dialled by one of theirs as it is by us: the one that dials begins, and asks who is there.
      deepEqual(await desk.note({ id: "ours" }), { id: "ours" });
      await moved(survivor);
      const open = join(folder, "open");
      spawnSync("mkdir", ["-m", "777", open]);
      const address = `unix:${open}/desk.sock`;
      const journal = join(open, "journal");
      const user = ["setpriv", "--reuid", String(nobody), "--clear-groups"];
      await using theirs = await begin({ address, journal, mode: 0o666 }, user);
      for (let index = 0; index < 50; index++) await theirs.desk.note({ id: String(index) });
      equal(theirs.dialled.way(), "unix");
      equal(dialled.way(), "shm");
    },
  );

  test(
    "processes of different pid namespaces share memory",
    { skip: unusable("unshare", "--pid", "--fork", "true") },
    async () => {
      await using survivor = await begin(termsOf(), ["unshare", "--pid", "--fork", "--kill-child"]);
      await moved(survivor);
    },
  );

  test(
    "a small /dev/shm does not matter: what is shared has no name there",
    {
      skip: unusable(
        "unshare",
        "--mount",
        "mount",
        "-t",
        "tmpfs",
        "-o",
        "size=1m",
        "tmpfs",
        "/dev/shm",
      ),
    },
    async () => {
      const small = 'mount -t tmpfs -o size=64k tmpfs /dev/shm && exec "$0" "$@"';
      const wrapped = ["unshare", "--mount", "sh", "-c", small];
      await using survivor = await begin(termsOf({ ringBytes: 4 * 1024 * 1024 }), wrapped);
      await moved(survivor);
    },
  );

  const skip = unusable("prlimit", "--version");

  for (const room of [0, 2, 3, 4, 5])
    test(
      `a peer that may open ${room} more descriptors answers, by whatever way`,
      { skip },
      async () => {
        await using survivor = await begin(termsOf());
        const { server, desk, dialled } = survivor;
        const pid = String(server.child.pid);
        // One is the connection's own.
        limit(pid, "nofile", boundFor(pid, 1 + room));
        for (let index = 0; index < 50; index++) await desk.note({ id: String(index) });
        equal(dialled.dialled.length, 1);
        // Memory, a bell and a copy of the socket are its own; memory and a bell come from the other side.
        equal(dialled.way(), room < 5 ? "unix" : "shm");
        equal(server.complaint, "");
      },
    );

  test(
    "a peer that has no address space left for rings answers by the socket",
    { skip },
    async () => {
      await using survivor = await begin(termsOf({ ringBytes: 64 * 1024 * 1024 }));
      const { server, desk, dialled } = survivor;
      const pid = String(server.child.pid);
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const kilobytes = Number(/VmSize:\s+(\d+)/.exec(status)![1]);
      limit(pid, "as", (kilobytes + 32 * 1024) * 1024);
      for (let index = 0; index < 50; index++) await desk.note({ id: String(index) });
      equal(dialled.way(), "unix");
      equal(server.complaint, "");
    },
  );

  test("a peer whose cgroup has no memory for rings answers by the socket, and is not killed", async (t) => {
    const group = memoryGroup(160 * 1024 * 1024);
    if (typeof group === "string") return t.skip(group);
    using _group = group;
    // With its rings it would have more than it may, and those of this side come to that.
    await using survivor = await begin(termsOf({ ringBytes: 64 * 1024 * 1024 }), group.wrapped);
    const { server, desk, dialled } = survivor;
    for (let index = 0; index < 50; index++) await desk.note({ id: String(index) });
    equal(dialled.way(), "unix");
    equal(server.complaint, "");
  });
});

interface Survivor extends AsyncDisposable {
  readonly server: ServerChild;
  readonly dialled: Recorded;
  readonly desk: ReturnType<typeof client<typeof Desk>>;
}

/** Calls until the connection has moved: forever, where it does not. */
async function moved({ desk, dialled }: Survivor): Promise<void> {
  for (let index = 0; dialled.way() !== "shm"; index++) await desk.note({ id: `moves-${index}` });
}
