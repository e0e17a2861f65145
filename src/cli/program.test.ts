import { deepEqual, equal, match } from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { channels } from "../base/diagnostics.ts";
import { realEnv } from "../base/real-env.ts";
import { serve } from "../call/serve.ts";
import { chassis, type Chassis } from "../chassis/chassis.ts";
import {
  bytes,
  call,
  contract,
  duplex,
  event,
  notification,
  stream,
  upload,
} from "../contract/index.ts";
import { memoryBroker } from "../broker/memory/index.ts";
import { on } from "../messaging/on.ts";
import { addonProblem } from "../os/addon.ts";
import { sqlite } from "../store/sqlite/index.ts";
import { commands } from "./commands.ts";
import { run } from "./program.ts";
import type { Terminal } from "./terminal.ts";

const Order = z.object({
  id: z.string(),
  item: z.string(),
  state: z.enum(["placed", "shipped"]),
  notes: z.array(z.string()).optional(),
});

const Orders = contract(
  "orders",
  { version: "1.2.0" },
  {
    place: call({
      in: z.object({ item: z.string() }),
      out: Order,
      errors: { SOLD_OUT: z.object({ item: z.string() }) },
      idempotent: "by-key",
      description: "Makes an order.",
    }),
    get: call({ in: z.string(), out: Order, errors: { NOT_FOUND: z.string() }, idempotent: true }),
    move: call({ in: z.object({ id: z.string() }), key: "id" }),
    watch: stream({ in: z.string(), out: Order }),
    label: call({ in: bytes(), out: bytes() }),
    ask: call({ out: z.record(z.string(), z.string().nullable()) }),
    note: notification({ in: z.string() }),
  },
);

const kettle = { id: "o-1", item: "kettle", state: "placed" as const };

async function shop(address: string): Promise<Chassis> {
  return chassis({
    name: "shop",
    listen: address,
    signals: false,
    serve: [
      serve(Orders, {
        place({ item }, { errors }) {
          if (item === "unobtainium") throw errors.SOLD_OUT({ item });
          if (item === "bomb") throw new Error("boom");
          return { ...kettle, item };
        },
        get(id, { errors, idempotencyKey = null, headers }) {
          if (id === "headers")
            return { ...kettle, notes: [String(idempotencyKey), JSON.stringify(headers)] };
          throw errors.NOT_FOUND(id);
        },
        move: (_, { signal }) =>
          new Promise((resolve) => signal.addEventListener("abort", () => resolve())),
        *watch(id) {
          yield { ...kettle, id };
          yield { ...kettle, id, state: "shipped" };
        },
        label: (label) => label.toReversed(),
        ask: (_, { headers }) => headers,
        note: () => {},
      }),
    ],
  });
}

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

interface Given {
  readonly input?: string;
  readonly seen?: Partial<Terminal>;
  readonly interrupted?: AbortSignal;
}

async function trunkline(words: readonly string[], given: Given = {}): Promise<Ran> {
  let [out, err] = ["", ""];
  const terminal: Terminal = {
    print: async (text) =>
      void (out += typeof text === "string" ? text : new TextDecoder().decode(text)),
    tell: (text) => void (err += text),
    colours: false,
    interactive: false,
    live: false,
    columns: 80,
    input: async function* input() {
      yield new TextEncoder().encode(given.input ?? "");
    },
    typed: false,
    interrupted: given.interrupted ?? new AbortController().signal,
    env: realEnv(),
    version: "0.0.0",
    ...given.seen,
  };
  const code = await run(words, terminal);
  return { code, out, err };
}

/** Without what is another each time. */
function steady(text: string): string {
  return text
    .replaceAll(/shop-[0-9a-f-]{36}/g, "shop-…")
    .replaceAll(/ +\d[\d.,]* (ms|s|calls\/s)/g, " …")
    .replaceAll(/ +$/gm, "");
}

test("describe shows what a process serves", async () => {
  await using _app = await shop("memory:cli-describe");
  const { code, out, err } = await trunkline(["describe", "memory:cli-describe"]);
  equal(err, "");
  equal(code, 0);
  equal(
    steady(out),
    `shop    memory:cli-describe    ready, …
instance shop-…
way: memory

orders@1 (1.2.0)
  place  call          { item: string } → { id: string, item: string, state: "placed" | "shipped", no…  by key  errors SOLD_OUT
  get    call          string → { id: string, item: string, state: "placed" | "shipped", no…            idempotent  errors NOT_FOUND
  move   call          { id: string } → nothing                                                         ordered by id
  watch  stream        string → { id: string, item: string, state: "placed" | "shipped", no… …
  label  call          bytes → bytes
  ask    call          nothing → { [name]: string | null }
  note   notification  string
`,
  );
});

test("describe says what carries connections from here", async () => {
  const last = addonProblem() === undefined ? "shared memory" : "a Unix socket";
  for (const [sameHost, way] of [
    ["auto", `way: tcp, moved to ${last}`],
    ["off", "way: tcp"],
  ] as const) {
    const options = { name: "shop", signals: false, reflection: true, sameHost };
    await using app = await chassis({ ...options, listen: "tcp://127.0.0.1:0", serve: [] });
    const { out } = await trunkline(["describe", app.addresses[0]!]);
    equal(out.split("\n")[2], way);
  }
});

test("describe tells all of one operation", async () => {
  await using _app = await shop("memory:cli-describe-one");
  const words = ["describe", "memory:cli-describe-one", "orders.place"];
  const { code, out } = await trunkline(words);
  equal(code, 0);
  equal(
    out.replace(/full:[0-9a-f]{32}/, "full:…"),
    `orders@1.place    call
Makes an order.
  input           { item: string }
  answer          { id: string, item: string, state: "placed" | "shipped", notes?: string[] }
  error SOLD_OUT  { item: string }
  idempotent      by key
  digest          full:…
`,
  );
  const told = JSON.parse((await trunkline([...words, "--json"])).out);
  const { ok, contract: name, operation, kind, in: input } = told;
  deepEqual([ok, name, operation, kind, input.type], [true, "orders", "place", "call", "object"]);
});

test("describe shows the head, the items and the answers of every kind", async () => {
  const Item = z.string();
  const Kinds = contract(
    "kinds",
    { version: "2.0.0" },
    {
      store: upload({ head: z.object({ name: z.string() }), in: bytes(), out: Item }),
      sum: upload({ in: Item }),
      chat: duplex({ head: Item, in: Item, out: Item }),
    },
  );
  await using _app = await chassis({
    name: "kinds",
    listen: "memory:cli-kinds",
    signals: false,
    serve: [serve(Kinds, { store: () => "", sum: () => {}, chat: (items) => items })],
  });
  const { out } = await trunkline(["describe", "memory:cli-kinds"]);
  equal(
    out.slice(out.indexOf("kinds@2")),
    `kinds@2 (2.0.0)
  store  upload  { name: string }, bytes … → string
  sum    upload  string … → nothing
  chat   duplex  string, string … → string …
`,
  );
  const { out: one } = await trunkline(["describe", "memory:cli-kinds", "kinds.store"]);
  match(one, /^ {2}head {8}\{ name: string \}\n {2}items in {4}bytes\n {2}answer {6}string$/m);
});

test("tables fit the terminal: what does not fit beside goes under", async () => {
  await using _app = await shop("memory:cli-narrow");
  await trunkline(["call", "memory:cli-narrow", "orders.get", '"o-1"']);
  for (const columns of [80, 100, 120, 200]) {
    for (const command of ["describe", "stats"]) {
      const seen = { interactive: true, columns };
      const { out } = await trunkline([command, "memory:cli-narrow"], { seen });
      match(out, command === "describe" ? /errors NOT_FOUND/ : /NOT_FOUND 1/);
      for (const line of out.split("\n")) equal(line.length <= columns, true, line);
    }
  }
});

test("describe --json is one object with everything", async () => {
  await using app = await shop("memory:cli-describe-json");
  const { out } = await trunkline(["describe", "memory:cli-describe-json", "--json"]);
  equal(out.split("\n").length, 2);
  const told = JSON.parse(out);
  deepEqual([told.ok, told.name, told.instance], [true, "shop", app.instance]);
  equal(told.contracts[0].operations.place.errors.SOLD_OUT.type, "object");
});

test("call prints the answer, and --json an object with ok", async () => {
  await using _app = await shop("memory:cli-call");
  const words = ["call", "memory:cli-call", "orders.place", '{"item":"kettle"}'];
  deepEqual(await trunkline(words), { code: 0, out: `${JSON.stringify(kettle)}\n`, err: "" });
  const { durationMs, ...rest } = JSON.parse((await trunkline([...words, "--json"])).out);
  deepEqual(rest, { ok: true, value: kettle });
  equal(typeof durationMs, "number");
});

test("call reads its input from standard input, JSON and bytes", async () => {
  await using _app = await shop("memory:cli-stdin");
  const place = ["call", "memory:cli-stdin", "orders.place", "-"];
  equal((await trunkline(place, { input: '{"item":"cup"}\n' })).out.includes('"cup"'), true);
  const label = ["call", "memory:cli-stdin", "orders.label"];
  equal((await trunkline([...label, "-"], { input: "abc" })).out, "cba");
  equal((await trunkline([...label, "xyz"])).out, "zyx");
  const { out } = await trunkline([...label, "xyz", "--json"]);
  deepEqual(JSON.parse(out).value, { base64: "enl4" });
});

test("a stream prints line by line, and --json ends with ok", async () => {
  await using _app = await shop("memory:cli-stream");
  const words = ["call", "memory:cli-stream", "orders.watch", '"o-1"'];
  const shipped = { ...kettle, state: "shipped" };
  const { out } = await trunkline(words);
  equal(out, `${JSON.stringify(kettle)}\n${JSON.stringify(shipped)}\n`);
  const lines = (await trunkline([...words, "--json"])).out.trim().split("\n");
  const [first, second, last] = lines.map((line) => JSON.parse(line));
  deepEqual([first, second], [{ item: kettle }, { item: shipped }]);
  deepEqual({ ...last, durationMs: 0 }, { ok: true, items: 2, durationMs: 0 });
});

test("call sends headers and an idempotency key", async () => {
  await using _app = await shop("memory:cli-headers");
  const words = ["call", "memory:cli-headers", "orders.get", '"headers"', "--key", "k-1"];
  const headers = ["--header", "Tenant=acme", "--header", "role=a=b"];
  const { value } = JSON.parse((await trunkline([...words, ...headers, "--json"])).out);
  deepEqual(value.notes, ["k-1", '{"tenant":"acme","role":"a=b"}']);
});

test("the exit code tells what became of it", async () => {
  await using _app = await shop("memory:cli-codes");
  const at = "memory:cli-codes";
  const codes: readonly (readonly [number, RegExp, ...string[]])[] = [
    [2, /^trunkline: ADDRESS is missing\n {2}trunkline call ADDRESS SERV/, "call"],
    [2, /there is no command "x"; there are describe, call, /, "x"],
    [2, /there is no command "cal"; did you mean call\?/, "cal"],
    [2, /is not an address/, "call", "nowhere", "orders.get"],
    [
      2,
      /there is no option --nope; there are --json, --help, --deadline\n/,
      "describe",
      at,
      "--nope",
    ],
    [2, /no option --deadlin; did you mean --deadline\?\n.*--help/, "stats", at, "--deadlin=1s"],
    [2, /there is no service order; did you mean orders\?/, "describe", at, "order"],
    [2, /nobody expects "more" there/, "describe", at, "orders.get", "more"],
    [2, /write SERVICE\.OPERATION/, "call", at, "orders"],
    [2, /there is no orders\.unlikely; there are orders\.place, /, "call", at, "orders.unlikely"],
    [2, /there is no orders@2\.get; did you mean orders\.get\?/, "call", at, "orders@2.get", '"o"'],
    [2, /the input of orders\.get is missing: JSON/, "call", at, "orders.get"],
    [2, /the input is not JSON: .*Text wants quotes/, "call", at, "orders.get", "o-1"],
    [2, /orders\.ask takes no input/, "call", at, "orders.ask", "1"],
    [2, /--deadline takes a duration/, "call", at, "orders.ask", "--deadline", "soon"],
    [
      2,
      /--total is for what has items, and orders\.ask is a call/,
      "call",
      at,
      "orders.ask",
      "--total",
      "1s",
    ],
    [2, /--idle is for what has items/, "call", at, "orders.ask", "--idle", "1s"],
    [2, /--header takes name=value/, "call", at, "orders.ask", "--header", "x"],
    [3, /^NOT_FOUND orders\.get .*\n.*\n {2}data: "o-9"\n$/, "call", at, "orders.get", '"o-9"'],
    [4, /^INVALID_ARGUMENT orders\.place .*executed: no/s, "call", at, "orders.place", "7"],
    [
      5,
      /^DEADLINE_EXCEEDED .*executed: maybe/s,
      "call",
      at,
      "orders.move",
      '{"id":"a"}',
      "--deadline",
      "50ms",
    ],
    [6, /^INTERNAL .*executed: yes/s, "call", at, "orders.place", '{"item":"bomb"}'],
    [3, /^NOT_FOUND trunkline-health\.check/, "health", at, "nothing"],
  ];
  const heard = (): void => {};
  channels.incident.subscribe(heard);
  for (const [code, message, ...words] of codes) {
    const ran = await trunkline(words);
    match(ran.err, message);
    deepEqual([ran.code, ran.out], [code, ""], words.join(" "));
    equal(ran.err.includes("    at "), false, "a stack");
  }
  channels.incident.unsubscribe(heard);
});

test("a failure is one JSON object for programs", async () => {
  await using _app = await shop("memory:cli-failure");
  const words = ["call", "memory:cli-failure", "orders.place", '{"item":"unobtainium"}', "--json"];
  const { code, out, err } = await trunkline(words);
  const told = JSON.parse(out);
  deepEqual([code, err, told.ok, told.exitCode], [3, "", false, 3]);
  const { executed, data } = told.error;
  deepEqual([told.error.code, executed, data], ["SOLD_OUT", "yes", { item: "unobtainium" }]);
  deepEqual(JSON.parse((await trunkline(["call", "--json"])).out), {
    ok: false,
    exitCode: 2,
    error: {
      code: "INVALID_ARGUMENT",
      executed: "no",
      reason: "ADDRESS is missing\n  trunkline call ADDRESS SERVICE.OPERATION [JSON | -]",
    },
  });
});

test("nobody there is told at once when the deadline says so, and nothing ran", async () => {
  const words = ["call", "memory:cli-nobody", "orders.get", '"o"', "--deadline", "500ms"];
  const { code, err } = await trunkline(words);
  equal(code, 4);
  match(err, /^UNAVAILABLE .*memory:cli-nobody/);
});

test("health tells whether a process and its contracts serve", async () => {
  await using app = await shop("memory:cli-health");
  const words = ["health", "memory:cli-health"];
  deepEqual(await trunkline(words), { code: 0, out: "serving\n", err: "" });
  app.report(Orders, { serving: false });
  deepEqual(await trunkline([...words, "orders"]), { code: 7, out: "not serving\n", err: "" });
  const { out } = await trunkline([...words, "orders", "--json"]);
  deepEqual(JSON.parse(out), { ok: false, serving: false });
});

test("health --watch tells each change until the process stops", async () => {
  const app = await shop("memory:cli-watch");
  const told: string[] = [];
  const print = async (text: string | Uint8Array): Promise<void> => {
    told.push(String(text));
    if (told.length === 1) void app.stop();
  };
  const words = ["health", "memory:cli-watch", "--watch", "--json"];
  const { code } = await trunkline(words, { seen: { print } });
  equal(code, 7);
  const lines = told.map((line) => JSON.parse(line));
  deepEqual(lines, [{ serving: true }, { serving: false }, { ok: false, serving: false }]);
});

test("stats says what is handled in transactions, and of which database", async () => {
  await using store = sqlite(":memory:");
  await store.migrate();
  const News = contract("news", { version: "1.0.0" }, { told: event({ data: z.string() }) });
  await using _app = await chassis({
    name: "reader",
    listen: "memory:cli-transactions",
    messages: memoryBroker(),
    signals: false,
    serve: [
      on(News.told, { group: "a", store }, () => {}),
      on(News.told, { group: "b" }, () => {}),
    ],
  });
  const { out } = await trunkline(["stats", "memory:cli-transactions"]);
  match(out, /^ {2}in transactions of sqlite::memory:: news\.told \(a\)$/m);
});

test("stats shows what became of the operations", async () => {
  await using _app = await shop("memory:cli-stats");
  const at = "memory:cli-stats";
  await trunkline(["call", at, "orders.get", '"o-1"']);
  await trunkline(["call", at, "orders.watch", '"o-1"']);
  const { code, out } = await trunkline(["stats", at]);
  equal(code, 0);
  const [head, address, , titles, ...rows] = out.trimEnd().split("\n");
  match(head!, /^shop {4}ready, 0 s {4}1 in flight$/);
  match(address!, /^ {2}memory:cli-stats {2}1 connection {2}1 in flight$/);
  match(
    titles!,
    /^operation +kind +count {2}in flight {2}waiting +p50 +p90 +p99 +max {2}failures$/,
  );
  equal(rows.length, 7);
  match(rows[1]!, /^orders\.get +call +1 +0 +0 ( +\d+(\.\d+)? ms){4} {2}NOT_FOUND 1$/);
  match(rows[6]!, /^orders\.note +notification +0 +0 +0$/);
  const told = JSON.parse((await trunkline(["stats", at, "--json"])).out);
  deepEqual([told.ok, told.operations[3].count], [true, 1]);
});

test("stats --watch looks again until it is interrupted", async () => {
  await using _app = await shop("memory:cli-stats-watch");
  const interruption = new AbortController();
  const told: string[] = [];
  const print = async (text: string | Uint8Array): Promise<void> => {
    if (told.push(String(text)) === 3) interruption.abort();
  };
  const words = ["stats", "memory:cli-stats-watch", "--watch", "--interval", "5ms"];
  const given = { interrupted: interruption.signal, seen: { print } };
  equal((await trunkline(words, given)).code, 130);
  equal(told.length, 3);
  match(told[1]!, /per second/);
});

test("bench loads an operation and measures", async () => {
  await using app = await shop("memory:cli-bench");
  const words = ["bench", "memory:cli-bench", "orders.place", '{"item":"cup"}', "--seconds", "1"];
  const { code, out, err } = await trunkline([...words, "--in-flight", "4"], {
    seen: { live: true },
  });
  equal(code, 0);
  match(out, /^[\d,]+ in 1\.\d s {3}[\d,]+ calls\/s {3}mean .* p50 .* p90 .* p99 .* max .*\n$/);
  match(err, /\r [█░]{10} +0 s {3}[\d,]+ calls\/s {3}p50 .* p99 .* errors 0/);
  equal(app.stats().operations[0]!.inFlight, 0);
});

test("bench tells what failed, and ends with the code of the first failure", async () => {
  await using _app = await shop("memory:cli-bench-fails");
  const words = ["bench", "memory:cli-bench-fails", "orders.get", '"o"', "--seconds", "1"];
  const { code, out } = await trunkline([...words, "--json"]);
  const told = JSON.parse(out);
  deepEqual([code, told.ok, Object.keys(told.failures)], [3, false, ["NOT_FOUND"]]);
  equal(told.failures.NOT_FOUND, told.count);
});

test("colours are shown where they are wanted", async () => {
  await using _app = await shop("memory:cli-colours");
  const { out } = await trunkline(["health", "memory:cli-colours"], { seen: { colours: true } });
  equal(out, "\u001B[32mserving\u001B[39m\n");
});

test("every command has help with examples, and a completion in each shell", async () => {
  const { out: overview } = await trunkline(["--help"]);
  const shells = ["bash", "zsh", "fish"];
  const scripts = await Promise.all(shells.map((shell) => trunkline(["completion", shell])));
  for (const { name, options } of commands) {
    match(overview, new RegExp(`^  ${name} `, "m"));
    const { code, out } = await trunkline([name, "--help"]);
    equal(code, 0);
    match(out, new RegExp(`^  \\$ trunkline ${name} `, "m"));
    for (const line of `${overview}\n${out}`.split("\n"))
      if (!line.startsWith("  $ ")) equal(line.length <= 80, true, line);
    for (const option of Object.keys(options)) {
      match(out, new RegExp(`--${option}`));
      for (const script of scripts) match(script.out, new RegExp(`(--|-l )${option}`));
    }
  }
  equal((await trunkline([])).code, 2);
  equal((await trunkline(["--version"])).out, "0.0.0\n");
});
