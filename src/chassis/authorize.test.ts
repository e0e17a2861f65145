import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { threadId, Worker } from "node:worker_threads";
import * as z from "zod";
import type { Peer } from "../base/peer.ts";
import { call, contract, duplex, notification, stream, upload } from "../contract/index.ts";
import type { Authorize } from "../call/authorization.ts";
import { addon } from "../os/addon.ts";
import { stdio } from "../transport/stdio/index.ts";
import { testAuthority } from "../transport/tls/testing/authority.ts";
import { tls } from "../transport/tls/index.ts";
import type { Transport } from "../transport/transport.ts";
import type { Chassis } from "./chassis.ts";
import { client } from "./client.ts";
import { Health } from "./health.ts";
import { Reflection } from "./reflection.ts";

const Report = z.object({
  ran: z.array(z.string()),
  refused: z.array(z.string()),
  failures: z.record(z.string(), z.number()),
  peer: z.record(z.string(), z.unknown()),
});

const Vault = contract(
  "vault",
  { version: "1.0.0" },
  {
    report: call({ out: Report }),
    read: call({ in: z.string(), out: z.string() }),
    watch: stream({ in: z.string(), out: z.string() }),
    tell: notification({ in: z.string() }),
    store: upload({ in: z.string(), out: z.string() }),
    chat: duplex({ in: z.string(), out: z.string() }),
  },
);

const url = (path: string): string => JSON.stringify(import.meta.resolve(path));

/** Opens a vault, in whichever process or thread this is: it tells what has run there, and what was refused. */
const program = `
  import { subscribe } from "node:diagnostics_channel";
  import * as z from ${JSON.stringify(import.meta.resolve("zod"))};
  import { serve } from ${url("../call/serve.ts")};
  import { call, contract, duplex, notification, stream, upload } from ${url("../contract/index.ts")};
  import { chassis } from ${url("./chassis.ts")};

  const any = z.any();
  const Vault = contract("vault", { version: "1.0.0" }, {
    report: call({ out: any }),
    read: call({ in: z.string(), out: any }),
    watch: stream({ in: z.string(), out: any }),
    tell: notification({ in: z.string() }),
    store: upload({ in: z.string(), out: any }),
    chat: duplex({ in: z.string(), out: any }),
  });

  export async function openVault(listen, authorize, transports = []) {
    const ran = [];
    const refused = [];
    subscribe("trunkline:refusal", ({ operation, code }) => refused.push(operation + " " + code));
    const app = await chassis({
      name: "vault", listen, authorize, transports, reflection: true, signals: false,
      serve: [serve(Vault, {
        report: (_input, { peer }) => {
          const { address, sameHost, pid, uid, gid, threadId, certificate } = peer;
          const { failures } = app.stats().operations.find(({ operation }) => operation === "vault.read");
          return { ran, refused, failures, peer: { address, sameHost, pid, uid, gid, threadId, certificate } };
        },
        read: (input) => (ran.push("read"), input),
        watch: (input) => (ran.push("watch"), [input]),
        tell: () => void ran.push("tell"),
        store: () => (ran.push("store"), "stored"),
        chat: () => (ran.push("chat"), ["said"]),
      })],
    });
    return app;
  }
  export const onlyReports = (_peer, { name }) => name === "vault.report";
`;

const asModule = (text: string): string => `data:text/javascript,${encodeURIComponent(text)}`;

const { openVault, onlyReports } = (await import(asModule(program))) as {
  openVault(
    listen: string,
    authorize: Authorize,
    transports?: readonly Transport[],
  ): Promise<Chassis>;
  onlyReports: Authorize;
};

/** Where a vault is open to be reported on, and to nothing else. */
interface Place {
  readonly address: string;
  readonly transports?: readonly Transport[];
}

const authority = testAuthority();
const hosts = ["localhost", "127.0.0.1"];
const server = authority.issue({ name: "vault", hosts });
const mutual = tls({ ...server, ca: authority.cert, clientCertificate: "optional" });
const as = (name: string): Transport => tls({ ...authority.issue({ name }), ca: authority.cert });
const credentialsTold =
  process.platform === "linux" && (isBuiltin("node:ffi") || addon() !== undefined);

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function here(
  t: TestContext,
  listen: string,
  transports?: readonly Transport[],
): Promise<string> {
  const app = await openVault(listen, onlyReports, transports);
  t.after(() => app.stop({ force: true }));
  return app.addresses[0]!;
}

/** Each transport: how a vault is opened over it, and what it tells of a peer. */
const cases: Readonly<
  Record<
    string,
    {
      readonly open: (t: TestContext) => Promise<Place>;
      readonly knows: (peer: Partial<Peer>) => void;
    }
  >
> = {
  memory: {
    open: async (t) => ({ address: await here(t, "memory:vault") }),
    knows: (peer) => deepEqual(peer, { address: "memory:vault", sameHost: true }),
  },
  worker: {
    open: async (t) => {
      const open = `${program}
        import { parentPort } from "node:worker_threads";
        await openVault("worker:vault", onlyReports);
        parentPort.postMessage("open");`;
      const thread = new Worker(new URL(asModule(open)));
      t.after(() => thread.terminate());
      await new Promise((resolve) => void thread.once("message", resolve));
      return { address: "worker:vault" };
    },
    knows: (peer) => deepEqual(peer, { address: "worker:vault", sameHost: true, threadId }),
  },
  stdio: {
    open: async () => {
      const open = `${program} await openVault("stdio:", onlyReports);`;
      const args = [...process.execArgv, "--input-type=module", "--eval", open];
      return { address: "stdio:", transports: [stdio({ command: process.execPath, args })] };
    },
    knows: (peer) => deepEqual(peer, { address: "stdio:", sameHost: true, pid: process.pid }),
  },
  unix: {
    open: async (t) => ({ address: await here(t, `unix:${folderOf(t)}/vault.sock`) }),
    knows: ({ address, ...others }) => {
      const { pid } = process;
      const ids = { pid, uid: process.geteuid!(), gid: process.getegid!() };
      match(address!, /^unix:\/.*vault\.sock$/);
      deepEqual(others, { sameHost: true, ...(credentialsTold ? ids : {}) });
    },
  },
  tcp: {
    open: async (t) => ({ address: await here(t, "tcp://127.0.0.1:0") }),
    knows: ({ address, ...others }) => {
      match(address!, /^tcp:\/\/127\.0\.0\.1:\d+$/);
      deepEqual(others, { sameHost: true });
    },
  },
  tls: {
    open: async (t) => {
      const address = await here(t, "tls://localhost:0", [mutual]);
      return { address, transports: [as("billing")] };
    },
    knows: ({ address, certificate, sameHost }) => {
      match(address!, /^tls:\/\/127\.0\.0\.1:\d+$/);
      deepEqual(
        [certificate?.subject, certificate?.subjectAltNames, sameHost],
        ["CN=billing", [], true],
      );
    },
  },
};

const denied = { code: "PERMISSION_DENIED", executed: "no", declared: false };

for (const [name, { open, knows }] of Object.entries(cases)) {
  test(
    `over ${name}, who may not is refused, whatever the kind and also by our own services, and nothing runs`,
    { timeout: 60_000 },
    async (t) => {
      const { address, transports = [] } = await open(t);
      await using vault = client(Vault, address, { transports });
      for (const refuse of [
        () => vault.read("a"),
        () => vault.watch("a").next(),
        () => vault.store(["a"]),
        () => vault.chat(["a"]).next(),
      ]) {
        const { code, executed, declared, reason } = await failure(refuse());
        deepEqual({ code, executed, declared }, denied);
        match(reason, / may not use vault\.(read|watch|store|chat)$/);
      }
      await vault.tell("a");
      const report = await vault.report();
      // A notification comes before the call that was sent after it.
      const kinds = ["vault.read", "vault.watch", "vault.store", "vault.chat", "vault.tell"];
      deepEqual(
        report.refused,
        kinds.map((operation) => `${operation} PERMISSION_DENIED`),
      );
      deepEqual([report.ran, report.failures], [[], { PERMISSION_DENIED: 1 }]);
      knows(report.peer);
      // A child belongs to a connection, and here it is another one.
      await using own = client(Reflection, address, { transports });
      await using health = client(Health, address, { transports });
      for (const refused of [
        own.describe(),
        own.stats(),
        health.check({}),
        health.watch({}).next(),
      ]) {
        const { code, executed, declared } = await failure(refused);
        deepEqual({ code, executed, declared }, denied);
      }
    },
  );
}

test("with mutual TLS the name in the certificate decides", { timeout: 60_000 }, async (t) => {
  const app = await openVault(
    "tls://localhost:0",
    ({ certificate }) => certificate?.subject === "CN=billing",
    [mutual],
  );
  t.after(() => app.stop({ force: true }));
  const [address] = app.addresses as [string];
  const answers: string[] = [];
  for (const transport of [as("billing"), as("press"), tls({ ca: authority.cert })]) {
    await using vault = client(Vault, address, { transports: [transport] });
    const result = await vault.read.result("gold");
    answers.push(result.ok ? result.value : `${result.error.code}: ${result.error.reason}`);
  }
  const [billing, press, nobody] = answers;
  equal(billing, "gold");
  equal(press, "PERMISSION_DENIED: CN=press may not use vault.read");
  match(
    nobody!,
    /^PERMISSION_DENIED: the peer at tls:\/\/127\.0\.0\.1:\d+ may not use vault\.read$/,
  );
});

test(
  "over a Unix socket the user decides",
  { timeout: 60_000, skip: credentialsTold ? false : "this system, or this Node, does not tell" },
  async (t) => {
    const own = process.geteuid!();
    for (const user of [own, own + 1]) {
      const address = `unix:${folderOf(t)}/vault.sock`;
      const app = await openVault(address, ({ uid }) => uid === user);
      t.after(() => app.stop({ force: true }));
      await using vault = client(Vault, address);
      equal((await vault.read.result("gold")).ok, user === own);
    }
  },
);

test("whoever may look after a process can be let in to that alone", async (t) => {
  const address = "memory:vault-health";
  const app = await openVault(
    address,
    (_peer, operation) => operation.contract === "trunkline-health",
  );
  t.after(() => app.stop({ force: true }));
  await using health = client(Health, address);
  await using vault = client(Vault, address);
  deepEqual(await health.check({}), { serving: true });
  equal((await failure(vault.report())).code, "PERMISSION_DENIED");
});

async function failure(
  work: Promise<unknown>,
): Promise<{ code: string; executed: string; declared: boolean; reason: string }> {
  const outcome = await work.then(
    () => undefined,
    (error: unknown) => error as Awaited<ReturnType<typeof failure>>,
  );
  ok(outcome !== undefined, "it was let in");
  return outcome;
}
