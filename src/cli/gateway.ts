import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { FileGateway, GatewayAuthorize } from "../gateway/index.ts";
import { UsageError, type Command, type Line } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { withLibraries } from "./library.ts";
import { signalsOf } from "./listening.ts";
import { aborted, printJson } from "./terminal.ts";
import { several } from "./units.ts";

/** Runs a gateway by its file. */
export const gateway: Command = {
  name: "gateway",
  summary: "run an API gateway by a file that may change meanwhile",
  usage: "FILE [--check] | --schema",
  about: `FILE says in JSON where to listen and what goes where: operations of contracts
by any protocol to any protocol, plain HTTP, and answers composed of
several calls. It is read anew whenever it changes: new routes hold for what
begins from then on. A file that is wrong is refused with line and column,
and what held goes on. SIGTERM drains, SIGUSR2 does it without hurry, and
SIGHUP has file and certificates read at once.`,
  options: {
    authorize: { value: "MODULE", about: "a module that exports the function `authorize`" },
    check: { about: "only look whether the file is right" },
    "no-watch": { about: "do not read the file anew when it changes" },
    schema: { about: "print the JSON Schema of the file" },
  },
  words: [],
  examples: [
    "gateway ./gateway.json",
    "gateway ./gateway.json --check",
    "gateway ./gateway.json --authorize ./authorize.ts",
    "gateway --schema > gateway.schema.json",
  ],
  async run(line) {
    const { terminal, json } = line;
    const made = await withLibraries(() => import("../gateway/index.ts"), "undici");
    if (line.on("schema")) {
      line.atMost(0);
      await terminal.print(`${JSON.stringify(made.gatewaySchema, null, json ? 0 : 2)}\n`);
      return exitCodes.ok;
    }
    const file = line.word(0, "FILE");
    line.atMost(1);
    if (line.on("check")) {
      const { routes, contracts } = await made.checkGatewayFile(file);
      if (json) await printJson(terminal, { ok: true, routes, contracts });
      else
        await terminal.print(
          `${file} is right: ${several(routes, "route")}, ${several(contracts, "contract")}\n`,
        );
      return exitCodes.ok;
    }
    const authorize = await authorizeIn(line.text("authorize"));
    await using running = await made.gatewayFromFile({
      file,
      env: terminal.env,
      watch: !line.on("no-watch"),
      signals: signalsOf(line),
      ...(authorize === undefined ? {} : { authorize }),
      onReload: (refused) =>
        terminal.tell(
          refused === undefined
            ? `trunkline gateway: ${file} was read anew\n`
            : `trunkline gateway: the old routes stay: ${refused.message}\n`,
        ),
    });
    return await untilStopped(line, running);
  },
};

/** Tells where it listens, and when it has stopped. */
export async function untilStopped(
  { terminal, json }: Line,
  running: Pick<FileGateway, "name" | "addresses" | "stop" | "stopped">,
): Promise<number> {
  void aborted(terminal.interrupted).then(() => running.stop());
  const { name, addresses, stopped } = running;
  if (json) await printJson(terminal, { listening: addresses });
  else await terminal.print(`${name} at ${addresses.join(", ")}\n`);
  const { cut } = await stopped;
  if (json) await printJson(terminal, { ok: true, cut });
  return exitCodes.ok;
}

async function authorizeIn(module: string | undefined): Promise<GatewayAuthorize | undefined> {
  if (module === undefined) return undefined;
  const path = resolve(module);
  if (!existsSync(path)) throw new UsageError(`there is no file ${module}`);
  let exported: { readonly authorize?: unknown };
  try {
    exported = (await import(pathToFileURL(path).href)) as typeof exported;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new UsageError(`${module} cannot be loaded: ${why}`, { cause });
  }
  if (typeof exported.authorize === "function") return exported.authorize as GatewayAuthorize;
  throw new UsageError(
    `${module} exports no function \`authorize\`: export function authorize(request) { … }`,
  );
}
