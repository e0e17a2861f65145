// What we write is read by libraries in Python, and what they write is read by us: every value of the corpus. Where Python
// is missing this is skipped by name; in CI it must run.
import { deepEqual, equal, ok } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { suite, test } from "node:test";
import { avro, avroSchemaOf } from "trunkline/codec/avro";
import { cbor } from "trunkline/codec/cbor";
import { msgpack } from "trunkline/codec/msgpack";
import { xml } from "trunkline/codec/xml";
import { codecCorpus } from "trunkline/testing";
import { serveLab } from "./foreign/lab.ts";
import { pythonOf, type Program } from "./foreign/toolchain.ts";

interface Answer {
  readonly read?: unknown;
  /** In base64, one for each way in which the library can write. */
  readonly written?: readonly string[];
  readonly error?: string;
}

/** The libraries that stand on the other side. */
const libraries: Readonly<Record<string, string>> = {
  msgpack: "msgpack",
  cbor: "cbor2",
  xml: "lxml",
  avro: "fastavro",
};

/** The JSON that a program prints when it is given `input`. */
async function printedBy({ command, args }: Program, input: string): Promise<unknown> {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"], timeout: 60_000 });
  child.stdin.end(input);
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text));
  const [code] = (await once(child, "close")) as [number | null];
  equal(code, 0);
  return JSON.parse(printed);
}

suite("formats, with libraries of Python", async () => {
  const program = await pythonOf("formats");
  if (typeof program === "string") {
    ok(process.env["CI"] !== "true", `in CI this must run: ${program}`);
    test("bytes cross both ways", { skip: program });
    return;
  }
  for (const format of [msgpack(), cbor(), xml(), avro()]) {
    test(`${format.name} and ${libraries[format.name]} read each other`, async () => {
      const cases = codecCorpus.flatMap(({ name, type, values }) =>
        values.map((value) => {
          const payload = format.codec(type).encode(value);
          const bytes = Buffer.from(payload as string).toString("base64");
          const schema = format.name === "avro" ? { schema: avroSchemaOf(type) } : {};
          return { type, format: format.name, name, value, bytes, ...schema };
        }),
      );
      const printed = await printedBy(program("exchange.py"), JSON.stringify(cases));
      const answers = printed as readonly Answer[];
      equal(answers.length, cases.length);
      for (const [index, { read, written, error }] of answers.entries()) {
        const { type, name, value } = cases[index]!;
        equal(error, undefined, `${name}: ${JSON.stringify(value).slice(0, 300)}`);
        deepEqual(read, value, name);
        ok(written!.length > 0);
        for (const each of written!) {
          const memory = Buffer.from(each, "base64");
          deepEqual(format.codec(type).decode(memory, 0, memory.length), value, name);
        }
      }
    });
  }

  test("rsocket-py is served in CBOR, which its SETUP names", async () => {
    await using lab = await serveLab([cbor()]);
    const { command, args } = program("rsocket_cbor.py");
    deepEqual(await printedBy({ command, args: [...args, String(lab.port)] }, ""), {
      echo: { item: "kettle", of: [1, -0.5, null, true, {}] },
      count: [...Array(20).keys()],
    });
  });
});
