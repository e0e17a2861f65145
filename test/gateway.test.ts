// Gateways and routers as processes of their own, killed and rolled under load.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { client, close } from "trunkline";
import { testAuthority } from "trunkline/testing";
import { tls } from "trunkline/transport/tls";
import { Orders } from "./gateway/orders.contract.ts";
import { fromSource, start, type Program } from "./program.ts";

const root = join(import.meta.dirname, "..");
const soon = { timeout: 120_000 };
const program = join(root, "src/cli/main.ts");

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-gateway-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Starts a program of ours; it is killed with the test, and has printed its first line. */
async function running(t: TestContext, args: readonly string[], folder: string): Promise<Program> {
  const child = start(process.execPath, [...fromSource, ...args], folder);
  t.after(() => child.kill("SIGKILL"));
  await child.line();
  return child;
}

const faces: Readonly<Record<string, (folder: string, name: string) => string>> = {
  "Trunkline's own wire": (folder, name) => `unix:${join(folder, `${name}.sock`)}`,
  REST: (folder, name) => `http+unix:${join(folder, `${name}.http.sock`)}`,
  gRPC: (folder, name) => `grpc+unix:${join(folder, `${name}.grpc.sock`)}`,
};

for (const [face, addressOf] of Object.entries(faces)) {
  test(
    `two gateways behind one name, by ${face}: one killed, one rolled, no idempotent call fails`,
    soon,
    async (t) => {
      const folder = folderOf(t);
      const services = ["one", "two"].map((name) => `unix:${join(folder, `${name}.sock`)}`);
      const [inside, outside] = ["inside", "outside"].map(
        (name) => `directory:${join(folder, name)}`,
      );
      for (const address of services)
        await running(t, [join(root, "test/gateway/orders.ts"), address, inside!], folder);
      const names = ["a", "b"];
      for (const name of names) {
        const said = {
          listen: addressOf(folder, name),
          contracts: [join(root, "test/gateway/orders.contract.ts")],
          register: { discovery: outside },
          upstream: { discovery: inside },
          routes: [{ match: { operation: "*" }, to: "service:orders" }],
        };
        writeFileSync(join(folder, `${name}.json`), JSON.stringify(said));
      }
      const begin = (name: string): Promise<Program> =>
        running(t, [program, "gateway", `${name}.json`], folder);
      let [a, b] = await Promise.all(names.map(begin));
      const orders = client(Orders, "service:orders", { discovery: outside! });
      t.after(() => close(orders));

      let [answered, over] = [0, false];
      const failures: string[] = [];
      const worker = async (number: number): Promise<void> => {
        for (let asked = 0; !over; asked++) {
          const id = `${number}-${asked}`;
          const result = await orders.get.result({ id });
          if (!result.ok) failures.push(result.error.message);
          else if (result.value.id === id) answered++;
          else failures.push(`${id} was answered with ${result.value.id}`);
        }
      };
      const workers = Array.from({ length: 8 }, (_, number) => worker(number));
      const further = async (calls: number): Promise<void> => {
        const until = answered + calls;
        while (answered < until && failures.length === 0)
          await new Promise((turn) => setImmediate(turn));
      };
      await further(300);
      a!.kill("SIGKILL");
      await a!.ended;
      await further(300);
      a = await begin("a");
      await further(300);
      b!.kill("SIGTERM");
      const { code } = await b!.ended;
      await further(300);
      b = await begin("b");
      await further(300);
      over = true;
      await Promise.all(workers);
      deepEqual(failures, []);
      equal(code, 0);
      ok(answered >= 1_500);
    },
  );
}

test(
  "a router learns from an instance what it hands on, and goes on when instances change",
  soon,
  async (t) => {
    const folder = folderOf(t);
    const services = ["one", "two"].map((name) => `unix:${join(folder, `${name}.sock`)}`);
    const begin = (address: string): Promise<Program> =>
      running(t, [join(root, "test/gateway/orders.ts"), address], folder);
    const [one] = await Promise.all(services.map(begin));
    const at = `unix:${join(folder, "router.sock")}`;
    const listen = ["--listen", at, "--listen", "http://127.0.0.1:0", "--discovery"];
    const router = await running(
      t,
      [program, "router", "orders", ...listen, `static:${services.join(",")}`],
      folder,
    );
    const said = await router.line();
    const origin = /http:\/\/[\d.:]+/.exec(said)![0];
    const orders = client(Orders, at);
    t.after(() => close(orders));
    const seen = new Set<string>();
    while (seen.size < 2) seen.add((await orders.get({ id: "1" })).by);
    one!.kill("SIGKILL");
    await one!.ended;
    for (let asked = 0; asked < 50; asked++) equal((await orders.get({ id: "1" })).by, services[1]);
    const answer = await fetch(`${origin}/orders/7`);
    deepEqual(await answer.json(), { id: "7", by: services[1] });
    router.kill("SIGTERM");
    deepEqual((await router.ended).code, 0);
  },
);

test(
  "a file that is wrong ends the program with its line, and nothing listens",
  soon,
  async (t) => {
    const folder = folderOf(t);
    writeFileSync(join(folder, "gateway.json"), '{\n  "listen": "unix:x.sock",\n  "routes": {}\n}');
    const wrong = start(
      process.execPath,
      [...fromSource, program, "gateway", "gateway.json"],
      folder,
    );
    const { code, stderr } = await wrong.ended;
    match(stderr, /gateway\.json:3:13: routes must be a list, not \{\}/);
    equal(code, 4);
    const schema = start(process.execPath, [...fromSource, program, "gateway", "--schema"], folder);
    const told = JSON.parse((await schema.ended).stdout) as { readonly title: string };
    equal(told.title, "Trunkline gateway");
  },
);

test(
  "over TLS, by the files that its file names: HTTP/1.1, HTTP/2 and Trunkline's own wire",
  soon,
  async (t) => {
    const folder = folderOf(t);
    const authority = testAuthority();
    const { cert, key } = authority.issue({ name: "localhost", hosts: ["127.0.0.1"] });
    writeFileSync(join(folder, "cert.pem"), cert);
    writeFileSync(join(folder, "key.pem"), key);
    const service = `unix:${join(folder, "one.sock")}`;
    await running(t, [join(root, "test/gateway/orders.ts"), service], folder);
    const said = {
      listen: ["https://127.0.0.1:0", "tls://127.0.0.1:0"],
      tls: { cert: "./cert.pem", key: "./key.pem" },
      contracts: [service],
      routes: [{ match: { operation: "*" }, to: service }],
    };
    mkdirSync(join(folder, "etc"));
    writeFileSync(join(folder, "gateway.json"), JSON.stringify(said));
    // Paths in the file are those beside it, wherever it is started from.
    const edge = await running(t, [program, "gateway", "../gateway.json"], join(folder, "etc"));
    const [https = "", own = ""] = /at (.*)$/.exec(await edge.line())![1]!.split(", ");
    const options = { transports: [tls({ ca: authority.cert })] };
    for (const address of [https, own]) {
      const orders = client(Orders, address, options);
      t.after(() => close(orders));
      deepEqual(await orders.get({ id: "7" }), { id: "7", by: service });
    }
    const asked = request(`${https}/orders/8`, { ca: authority.cert, agent: false }).end();
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    equal(response.httpVersion, "1.1");
    let text = "";
    for await (const chunk of response) text += String(chunk);
    deepEqual(JSON.parse(text), { id: "8", by: service });
  },
);
