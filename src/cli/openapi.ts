import { existsSync, writeFileSync } from "node:fs";
import { bindingsIn, loadContracts } from "./contract-module.ts";
import { UsageError, type Command, type Line } from "./command.ts";
import { deadlineOf, deadlineOption } from "./deadline.ts";
import { exitCodes } from "./exit-code.ts";
import { describeRemote } from "./remote.ts";
import { printJson } from "./terminal.ts";
import { openApi } from "../protocol/rest/openapi/document.ts";
import type { OpenApiTerms } from "../protocol/rest/openapi/document.ts";

/** The contracts of what is named, and how they stand on HTTP where that is known. */
interface Source {
  readonly contracts: Parameters<typeof openApi>[0];
  readonly bindings: NonNullable<OpenApiTerms["bindings"]>;
}

/** Writes the OpenAPI document of contracts. */
export const openapi: Command = {
  name: "openapi",
  summary: "the OpenAPI document of contracts, or of a running process",
  usage: "CONTRACT-MODULE | ADDRESS [--out FILE]",
  about: `A module is loaded and run; bindings that it exports (bindRest) count. Of a
running process reflection tells the contracts; they stand by convention.`,
  options: {
    out: { value: "FILE", about: "write it there; default: standard output" },
    title: { value: "TEXT", about: "default: the names of the contracts" },
    server: { value: "URL", multiple: true, about: "where it is served; may be repeated" },
    versions: { value: "HOW", about: "uri, media-type or none; default uri" },
    ...deadlineOption,
  },
  examples: [
    "openapi ./orders.contract.ts --out openapi.json",
    "openapi unix:./run/orders.sock --server https://api.example.org",
  ],
  async run(line) {
    const where = line.word(0, "CONTRACT-MODULE or ADDRESS");
    line.atMost(1);
    const { contracts, bindings } = await sourceAt(where, line);
    const title = line.text("title");
    const document = openApi(contracts, {
      bindings,
      versions: versionsOf(line),
      servers: line.texts("server"),
      ...(title === undefined ? {} : { title }),
    });
    await writeOut(line, `${JSON.stringify(document, null, 2)}\n`, {
      operations: Object.values(document.paths).flatMap((item) => Object.keys(item)).length,
    });
    return exitCodes.ok;
  },
};

/** A word with a scheme before its colon, and no file of that name, is an address. */
async function sourceAt(where: string, line: Line): Promise<Source> {
  if (/^[a-z][a-z0-9+]+:/.test(where) && !existsSync(where)) {
    const { contracts } = await describeRemote(where, deadlineOf(line));
    return { contracts, bindings: [] };
  }
  const { contracts, exported } = await loadContracts(where);
  return { contracts, bindings: bindingsIn(exported) };
}

function versionsOf(line: Line): "uri" | "media-type" | "none" {
  const how = line.text("versions") ?? "uri";
  if (how === "uri" || how === "media-type" || how === "none") return how;
  throw new UsageError(`--versions takes uri, media-type or none, not "${how}"`);
}

/** Prints a text, or writes it to the file that `--out` names and says so. */
export async function writeOut(line: Line, text: string, told: object): Promise<void> {
  const { terminal, json } = line;
  const out = line.text("out");
  if (out === undefined) return terminal.print(text);
  try {
    writeFileSync(out, text);
  } catch (error) {
    throw new UsageError(`${out} cannot be written: ${(error as Error).message}`, { cause: error });
  }
  if (json) await printJson(terminal, { ok: true, out, ...told });
  else if (terminal.live) terminal.tell(`${out} is written\n`);
}
