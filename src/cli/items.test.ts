// What flows both ways through the command line: uploads and duplexes, from standard input to standard output.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { realEnv } from "../base/real-env.ts";
import { isTrunklineError } from "../base/error.ts";
import { serve } from "../call/serve.ts";
import { chassis, type Chassis } from "../chassis/chassis.ts";
import { bytes, contract, duplex, stream, upload } from "../contract/index.ts";
import { run } from "./program.ts";
import type { Terminal } from "./terminal.ts";

const Stored = z.object({ name: z.string(), sizes: z.array(z.number()) });

const Files = contract(
  "files",
  { version: "1.0.0" },
  {
    store: upload({ head: z.object({ name: z.string() }), in: bytes(), out: Stored }),
    small: upload({ in: bytes({ max: 4 }), out: z.number() }),
    sum: upload({ in: z.number(), out: z.number() }),
    first: upload({ in: z.number(), out: z.number() }),
    chat: duplex({ head: z.string(), in: z.string(), out: z.string() }),
    pipe: duplex({ in: bytes(), out: bytes() }),
    count: stream({ in: z.number(), out: z.number() }),
    endless: stream({ out: z.number() }),
  },
);

interface Served extends AsyncDisposable {
  /** What ended the items of `sum` early. */
  readonly ended: Promise<string>;
}

async function files(address: string): Promise<Served> {
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  const app: Chassis = await chassis({
    name: "files",
    listen: address,
    signals: false,
    serve: [
      serve(Files, {
        async store(chunks, { head }) {
          const sizes: number[] = [];
          for await (const chunk of chunks) sizes.push(chunk.length);
          return { name: head.name, sizes };
        },
        async small(chunks) {
          let times = 0;
          for await (const _ of chunks) times++;
          return times;
        },
        async sum(numbers) {
          let sum = 0;
          try {
            for await (const number of numbers) sum += number;
          } catch (error) {
            resolve(isTrunklineError(error) ? error.code : "another");
            throw error;
          }
          return sum;
        },
        async first(numbers) {
          for await (const number of numbers) return number;
          return 0;
        },
        async *chat(lines, { head }) {
          for await (const line of lines) yield `${head}: ${line}`;
        },
        pipe: (chunks) => chunks,
        *count(from) {
          yield from;
        },
        async *endless() {
          for (let number = 0; ; number++) yield number;
        },
      }),
    ],
  });
  return { ended, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
}

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

type Pieces = AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>;

/** Runs the program; standard input comes in these pieces. */
async function trunkline(
  words: string,
  pieces: Pieces,
  seen: Partial<Terminal> = {},
): Promise<Ran> {
  let [out, err] = ["", ""];
  const print = async (text: string | Uint8Array): Promise<void> =>
    void (out += typeof text === "string" ? text : Buffer.from(text).toString("latin1"));
  const terminal: Terminal = {
    print,
    tell: (text) => void (err += text),
    colours: false,
    interactive: false,
    live: false,
    columns: 80,
    input: async function* input() {
      for await (const piece of pieces) yield Buffer.from(piece);
    },
    typed: false,
    interrupted: new AbortController().signal,
    env: realEnv(),
    version: "0.0.0",
    ...seen,
  };
  const code = await run(words.split(" "), terminal);
  return { code, out, err };
}

/** Without what is another each time. */
function last(out: string): Record<string, unknown> {
  const { durationMs, ...told } = JSON.parse(out.trimEnd().split("\n").at(-1)!) as Record<
    string,
    unknown
  >;
  equal(typeof durationMs, "number");
  return told;
}

test("an upload takes JSON from standard input, one item in each line, however it arrives", async () => {
  await using _served = await files("memory:cli-items-lines");
  const pieces = ["1\n2", "0\r\n\n  \n30", "0", "\n\n4000"];
  const words = "call memory:cli-items-lines files.sum";
  deepEqual(await trunkline(words, pieces), { code: 0, out: "4321\n", err: "" });
  const { out } = await trunkline(`${words} --json`, pieces);
  deepEqual(last(out), { ok: true, value: 4321, sent: 4 });
  deepEqual(await trunkline(words, []), { code: 0, out: "0\n", err: "" });
});

test("an upload of bytes takes them as they come, in items of at most 64 KiB or what its contract allows", async () => {
  await using _served = await files("memory:cli-items-bytes");
  const words = `call memory:cli-items-bytes files.store {"name":"a"}`;
  const { out } = await trunkline(words, ["abc", new Uint8Array(150_000)]);
  deepEqual(JSON.parse(out), { name: "a", sizes: [3, 65_536, 65_536, 18_928] });
  equal((await trunkline("call memory:cli-items-bytes files.small", ["abcdefghi"])).out, "3\n");
});

test("a duplex of bytes is a pipe", async () => {
  await using _served = await files("memory:cli-items-pipe");
  const given = Uint8Array.from({ length: 300_000 }, (_, at) => at % 251);
  const { code, out } = await trunkline("call memory:cli-items-pipe files.pipe", [given]);
  equal(code, 0);
  deepEqual(Buffer.from(out, "latin1"), Buffer.from(given));
});

test("a duplex answers while its items are still to come", async () => {
  await using _served = await files("memory:cli-items-talk");
  const printed: string[] = [];
  let heard = Promise.withResolvers<void>();
  const print = async (text: string | Uint8Array): Promise<void> => {
    printed.push(String(text));
    heard.resolve();
  };
  async function* talk(): AsyncGenerator<string> {
    yield '"hello"\n';
    await heard.promise;
    heard = Promise.withResolvers();
    deepEqual(printed, ['{"item":"ann: hello"}\n']);
    yield '"bye"\n';
  }
  const words = `call memory:cli-items-talk files.chat "ann" --json`;
  equal((await trunkline(words, talk(), { print })).code, 0);
  deepEqual(printed.slice(0, 2), ['{"item":"ann: hello"}\n', '{"item":"ann: bye"}\n']);
  deepEqual(last(printed[2]!), { ok: true, items: 2, sent: 2 });
});

test("a line that is not JSON is told by its number, and nothing half sent looks complete", async () => {
  const wrong: readonly (readonly [string, Pieces])[] = [
    ["JSON", ["1\n\n", "x", "\n4"]],
    ["utf", ["1\n2\n", Uint8Array.of(0xff, 0x0a)]],
  ];
  for (const [what, pieces] of wrong) {
    const address = `memory:cli-items-wrong-${what}`;
    await using served = await files(address);
    const { code, out, err } = await trunkline(`call ${address} files.sum`, pieces);
    deepEqual([code, out], [2, ""]);
    match(
      err,
      /^trunkline: line 3 of standard input is not JSON: .*\n {2}executed: maybe · the re/,
    );
    equal(await served.ended, "CANCELLED");
    const told = await trunkline(`call ${address} files.sum --json`, pieces);
    const { exitCode, error } = JSON.parse(told.out) as Record<string, Record<string, string>>;
    deepEqual([exitCode, error!["code"], error!["executed"]], [2, "INVALID_ARGUMENT", "maybe"]);
  }
});

test("standard input that fails cancels the request and says why", async () => {
  await using served = await files("memory:cli-items-broken");
  async function* broken(): AsyncGenerator<string> {
    yield "1\n";
    throw new Error("EIO");
  }
  const { code, err } = await trunkline("call memory:cli-items-broken files.sum", broken());
  equal(code, 2);
  match(err, /^trunkline: standard input cannot be read: EIO\n {2}executed: maybe/);
  equal(await served.ended, "CANCELLED");
});

test("an item that does not match is the server's to refuse", async () => {
  await using served = await files("memory:cli-items-misfit");
  const { code, err } = await trunkline("call memory:cli-items-misfit files.sum", ['1\n"a"\n']);
  equal(code, 6);
  match(err, /^INVALID_ARGUMENT files\.sum .*item at index 1 .*executed: yes/s);
  equal(await served.ended, "INVALID_ARGUMENT");
});

test("standard input is read no further than the server takes, and not at all before it accepts", async () => {
  await using _served = await files("memory:cli-items-credit");
  let lines = 0;
  function* endless(): Generator<string> {
    for (;;) {
      lines++;
      yield "7\n";
    }
  }
  const { code, out } = await trunkline("call memory:cli-items-credit files.first", endless());
  deepEqual([code, out], [0, "7\n"]);
  ok(lines < 1_000, `${lines} lines were read for one`);
  lines = 0;
  const refused = await trunkline(
    `call memory:cli-items-credit files.store {"nom":"a"}`,
    endless(),
  );
  deepEqual([refused.code, lines], [4, 0]);
  match(refused.err, /^INVALID_ARGUMENT files\.store .*the head does not match.*executed: no/s);
});

test("Ctrl-C gives an upload up, and its code is told to programs too", async () => {
  await using served = await files("memory:cli-items-interrupted");
  const interruption = new AbortController();
  async function* slow(): AsyncGenerator<string> {
    yield "1\n";
    interruption.abort();
    await new Promise(() => {});
  }
  const words = "call memory:cli-items-interrupted files.sum --json";
  const { code, out } = await trunkline(words, slow(), { interrupted: interruption.signal });
  const { exitCode, error } = JSON.parse(out) as Record<string, Record<string, string>>;
  deepEqual([code, exitCode, error!["code"]], [130, 130, "CANCELLED"]);
  equal(await served.ended, "CANCELLED");
});

test("Ctrl-C ends the wait for an input", async () => {
  await using _served = await files("memory:cli-items-waiting");
  const interruption = new AbortController();
  async function* never(): AsyncGenerator<string> {
    interruption.abort();
    await new Promise(() => {});
    yield "";
  }
  const words = "bench memory:cli-items-waiting files.sum --item -";
  const { code, err } = await trunkline(words, never(), { interrupted: interruption.signal });
  equal(code, 130);
  match(err, /^CANCELLED: interrupted before the input was complete\.\n {2}executed: no/);
});

test("who types is told how, and may type a wrong line again", async () => {
  await using _served = await files("memory:cli-items-typed");
  const words = "call memory:cli-items-typed files.sum";
  const seen = { typed: true, live: true, interactive: true };
  const { code, out, err } = await trunkline(words, ["1\n", "two\n", "2\n"], seen);
  deepEqual([code, out], [0, "3\n"]);
  const [hint, wrong, note] = err.split("\n");
  equal(hint, "type the items, one JSON value in each line; Ctrl-D ends them");
  match(wrong!, /^line 2 of standard input is not JSON: .*; it was not sent$/);
  match(note!, /^2 items sent · .* m?s$/);
});

test("heads, bounds and items are asked for where they belong", async () => {
  const at = "memory:cli-items-usage";
  await using _served = await files(at);
  const wrong: readonly (readonly [RegExp, string])[] = [
    [/the head of files\.store is missing: write it as JSON/, `call ${at} files.store`],
    [/the head of files\.store cannot be -/, `call ${at} files.store -`],
    [/the head is not JSON: /, `call ${at} files.chat ann`],
    [/files\.sum takes no head/, `call ${at} files.sum 1`],
    [/files\.sum takes items, as every upload does/, `bench ${at} files.sum`],
    [/files\.endless is a stream and takes no items/, `bench ${at} files.endless --item 1`],
  ];
  for (const [message, words] of wrong) {
    const { code, err } = await trunkline(words, ["1\n"]);
    match(err, message);
    equal(code, 2, words);
  }
});

test("--total bounds an upload whose items do not come", async () => {
  await using _served = await files("memory:cli-items-total");
  const hold = Promise.withResolvers<void>();
  async function* waiting(): AsyncGenerator<string> {
    yield "1\n";
    await hold.promise;
  }
  const words = "call memory:cli-items-total files.sum --total 50ms";
  const { code, err } = await trunkline(words, waiting());
  hold.resolve();
  equal(code, 5);
  match(err, /^DEADLINE_EXCEEDED files\.sum/);
});

test("a number below zero is JSON, not an option", async () => {
  const at = "memory:cli-items-negative";
  await using _served = await files(at);
  const { out } = await trunkline(`bench ${at} files.first --item -5 --seconds 1 --json`, []);
  equal(last(out)["ok"], true);
  equal((await trunkline(`call ${at} files.count -3 --deadline 5s`, [])).out, "-3\n");
  equal((await trunkline(`call ${at} files.count -- -3`, [])).out, "-3\n");
});

test("bench sends copies of an item, and counts items", async () => {
  await using _served = await files("memory:cli-items-bench");
  const bench = "bench memory:cli-items-bench";
  const load = "--in-flight 2 --seconds 1 --json";
  const ended = await trunkline(`${bench} files.sum --item 1 --items 10 ${load}`, []);
  const uploads = last(ended.out) as Record<string, number>;
  deepEqual([ended.code, uploads["ok"], uploads["failures"]], [0, true, {}]);
  ok(uploads["items"]! >= 10 * uploads["count"]!);
  const chat = `${bench} files.chat "ann" --item - --items 3 ${load}`;
  const duplexes = last((await trunkline(chat, ['"hi"'])).out) as Record<string, number>;
  ok(duplexes["count"]! > 0 && duplexes["items"]! >= 6 * duplexes["count"]!);
});

test("bench ends what would never end", async () => {
  await using _served = await files("memory:cli-items-endless");
  const words = "bench memory:cli-items-endless files.endless --in-flight 3 --seconds 1";
  const { code, out } = await trunkline(words, []);
  equal(code, 0);
  match(out, /^0 in .* 0 streams\/s {3}[\d,]+ items\/s {3}none was over\n3 given up at the end\n$/);
});
