import { asyncApi } from "../messaging/asyncapi/document.ts";
import { channelBindingsIn, loadContracts } from "./contract-module.ts";
import { UsageError, type Command, type Line } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { writeOut } from "./openapi.ts";

/** Writes the AsyncAPI document of contracts. */
export const asyncapi: Command = {
  name: "asyncapi",
  summary: "the AsyncAPI document of the messages of contracts",
  usage: "CONTRACT-MODULE [--out FILE]",
  about: `A module is loaded and run; bindings that it exports (bind) count. Calls and
streams are not in the document: \`openapi\` and \`proto\` describe those.`,
  options: {
    out: { value: "FILE", about: "write it there; default: standard output" },
    title: { value: "TEXT", about: "default: the names of the contracts" },
    server: {
      value: "NAME=URL",
      multiple: true,
      about: "production=amqp://rabbit; may be repeated",
    },
  },
  examples: [
    "asyncapi ./orders.contract.ts --out asyncapi.json",
    "asyncapi ./orders.contract.ts --server production=kafka://k1:9092,k2:9092",
  ],
  async run(line) {
    const module = line.word(0, "CONTRACT-MODULE");
    line.atMost(1);
    const title = line.text("title");
    const servers = serversOf(line);
    const { contracts, exported } = await loadContracts(module);
    const document = asyncApi(contracts, {
      servers,
      bindings: channelBindingsIn(exported),
      ...(title === undefined ? {} : { title }),
    });
    await writeOut(line, `${JSON.stringify(document, null, 2)}\n`, {
      operations: Object.keys(document.operations).length,
    });
    return exitCodes.ok;
  },
};

function serversOf(line: Line): Record<string, string> {
  const entries = line.texts("server").map((text): [string, string] => {
    const [, name, address] = /^([A-Za-z0-9_-]+)=(.+)$/.exec(text) ?? [];
    if (name !== undefined && address !== undefined) return [name, address];
    // Not what was written: it may hold a password.
    throw new UsageError("--server takes a name and an address, production=amqp://rabbit");
  });
  return Object.fromEntries(entries);
}
