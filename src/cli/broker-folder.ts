import { readFile } from "node:fs/promises";
import { isTrunklineError, type TrunklineError } from "../base/error.ts";
import type { Engine } from "../bridge/embedded/engine.ts";
import type { Face } from "../bridge/embedded/folder.ts";
import { KeptFolder } from "../bridge/embedded/kept-folder.ts";
import type { Overseer } from "../bridge/embedded/overseer.ts";
import type { NodeOptions } from "../broker/embedded/node.ts";
import { facesOf, serveAll, type ServingOptions } from "../chassis/embedded/serving.ts";
import { fileAddress } from "./broker-look.ts";
import { UsageError, type Line } from "./command.ts";
import { onStop, tlsOf } from "./listening.ts";
import { exitCodes } from "./exit-code.ts";
import { aborted, printJson, type Terminal } from "./terminal.ts";

/** Runs the broker of a folder until it is told to stop: owns it, or stands by. */
export async function serveFolder(line: Line, data: string): Promise<number> {
  line.atMost(1);
  const { terminal, json } = line;
  const { env, interrupted } = terminal;
  const address = fileAddress(data);
  const served = servedBy(line);
  const node = await nodeOf(line);
  const stopped = Promise.withResolvers<void>();
  const stop = (): void => stopped.resolve();
  const forget = onStop(line, stop);
  void aborted(interrupted).then(stop);
  const face: Face = {
    begin: async (engine) => {
      const serving = await serveAll(served, engine, env);
      await tell(terminal, json, address, serving.addresses, engine);
      return () => serving.close();
    },
    failed: (error) => stopped.reject(error),
  };
  const refusals = refusalsTo(terminal);
  const onOwner = (role: "owner" | "guest", overseer: Overseer): void => {
    refusals.begun();
    if (role === "guest") void standBy(terminal, json, address, overseer).catch(() => {});
  };
  try {
    const terms = {
      name: "trunkline broker",
      faces: [face],
      onOwner,
      onRefused: refusals.refused,
      node,
    };
    await using _kept = await KeptFolder.open(address, terms, env);
    await stopped.promise;
  } finally {
    forget();
  }
  if (json) await printJson(terminal, { ok: true });
  return exitCodes.ok;
}

async function tell(
  terminal: Terminal,
  json: boolean,
  address: string,
  listening: readonly string[],
  { node }: Engine,
): Promise<void> {
  const names = [...node.access.users].map(({ name }) => name);
  if (json) return printJson(terminal, { role: "owner", folder: address, listening, users: names });
  const lines = [`broker in ${address}`, ...listening.map((each) => `  ${each}`)];
  const first = names.length === 1 && names[0] === "guest";
  if (first && listening.some((each) => /^(amqp|http)/.test(each)))
    lines.push("  the only user is guest, password guest, from this machine only");
  return terminal.print(`${lines.join("\n")}\n`);
}

async function standBy(
  terminal: Terminal,
  json: boolean,
  address: string,
  overseer: Overseer,
): Promise<void> {
  const { owner } = await overseer.status();
  if (json) return printJson(terminal, { role: "guest", folder: address, owner });
  return terminal.print(`${address} belongs to ${owner.name}, pid ${owner.pid}: standing by\n`);
}

interface Refusals {
  readonly begun: () => void;
  readonly refused: (error: TrunklineError) => void;
}

/**
 * Tells why a folder that was served is not served any more, once for each reason. At the first start that ends the command, which
 * tells it.
 */
function refusalsTo(terminal: Terminal): Refusals {
  let served = false;
  let told: string | undefined;
  return {
    begun() {
      served = true;
      told = undefined;
    },
    refused({ message }) {
      if (served && message !== told) terminal.tell(`${message}\n`);
      told = message;
    },
  };
}

/** What the options ask for; refused before anything is made. */
function servedBy(line: Line): ServingOptions {
  const served = {
    listen: line.texts("listen"),
    insecure: line.on("insecure"),
    tls: tlsOf(line),
  };
  try {
    facesOf(served);
  } catch (error) {
    throw isTrunklineError(error) ? new UsageError(`${error.reason}; ${error.advice}`) : error;
  }
  return served;
}

/** Who is to be there at the very first start. */
async function nodeOf(line: Line): Promise<NodeOptions> {
  const [name, path] = [line.text("user"), line.text("password-file")];
  if (name === undefined && path === undefined) return {};
  if (name === undefined || path === undefined)
    throw new UsageError("--user NAME and --password-file FILE go together");
  const [password = ""] = (await readFile(path, "utf8")).split("\n");
  return { access: { first: { name, password } } };
}
