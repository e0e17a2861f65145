import { readFile } from "node:fs/promises";
import { folderAt } from "../bridge/embedded/address.ts";
import { KeptFolder } from "../bridge/embedded/kept-folder.ts";
import type { FolderStatus, QueueStatus } from "../bridge/embedded/overseer.ts";
import { findPlace } from "../broker/embedded/storage/place.ts";
import type { Line } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { table } from "./table.ts";
import { printJson, styled, type Terminal } from "./terminal.ts";
import { age, bytes, count, several } from "./units.ts";

/** `./data`, or its address. */
export function fileAddress(data: string): string {
  return data.startsWith("file:") ? data : `file:${data}`;
}

/** Opens the folder that the second word names: looks over its owner's shoulder, or, where there is none, owns it for the moment. */
async function keptOf(line: Line): Promise<KeptFolder> {
  const address = fileAddress(line.word(1, "FOLDER"));
  line.atMost(2);
  // Whoever looks at it makes nothing.
  if (line.text("take") === undefined) await findPlace(folderAt(address));
  return KeptFolder.open(address, { name: "trunkline broker" }, line.terminal.env);
}

export async function status(line: Line): Promise<number> {
  const { terminal, json } = line;
  await using kept = await keptOf(line);
  const told = await kept.overseer.status();
  const folder = kept.address;
  if (json) await printJson(terminal, { ok: true, folder, ...told });
  else await terminal.print(shown(folder, told, terminal));
  return exitCodes.ok;
}

function shown(
  folder: string,
  { owner, guests, blocked, hosts }: FolderStatus,
  terminal: Terminal,
) {
  const since = age(terminal.env.wall() - Date.parse(owner.since));
  const name = owner.name === "" ? "" : `${owner.name}, `;
  const head = `${styled(terminal, "bold", folder)}    owner ${owner.epoch}: ${name}pid ${owner.pid}, for ${since}, ${several(guests, "guest")}\n`;
  const held = `  publishers wait: ${blocked === "disk" ? "the disk is nearly full" : "the disk does not keep up"}\n`;
  const rows = hosts.map((host) => [
    `  ${host.name}`,
    several(host.queues, "queue"),
    several(host.messages, "message"),
    bytes(host.bytes),
    several(host.consumers, "consumer"),
  ]);
  return `${head}${blocked === undefined ? "" : styled(terminal, "yellow", held)}${table(rows)}`;
}

export async function queues(line: Line): Promise<number> {
  const { terminal, json } = line;
  await using kept = await keptOf(line);
  const found: QueueStatus[] = [];
  for await (const queue of kept.overseer.queues(line.text("host"))) {
    if (json) await printJson(terminal, queue);
    else found.push(queue);
  }
  if (json) {
    await printJson(terminal, { ok: true });
    return exitCodes.ok;
  }
  const head = [
    "  queue",
    "kind",
    "level",
    ...["ready", "unsettled", "held", "bytes", "consumers"].map((right) => ({ right })),
  ];
  const rows = found.map((each) => [
    `  ${each.host === "/" ? "" : `${each.host} `}${each.name}`,
    each.kind,
    each.durable ? each.level : "memory",
    { right: count(each.ready) },
    { right: count(each.unsettled) },
    { right: count(each.held) },
    { right: bytes(each.bytes) },
    { right: count(each.consumers) },
  ]);
  await terminal.print(found.length === 0 ? "there are no queues\n" : table([head, ...rows]));
  return exitCodes.ok;
}

export async function users(line: Line): Promise<number> {
  const { terminal, json } = line;
  await using kept = await keptOf(line);
  const rows: string[][] = [];
  for await (const user of kept.overseer.users())
    if (json) await printJson(terminal, user);
    else rows.push([`  ${user.name}`, user.tags.join(" ")]);
  if (json) await printJson(terminal, { ok: true });
  else await terminal.print(table(rows));
  return exitCodes.ok;
}

/** Prints a definitions file as RabbitMQ writes it, or takes one up. */
export async function definitions(line: Line): Promise<number> {
  const { terminal, json } = line;
  const path = line.text("take");
  const text = path === undefined ? undefined : await readFile(path, "utf8");
  await using kept = await keptOf(line);
  if (text === undefined) {
    for await (const piece of kept.overseer.definitions(line.text("host")))
      await terminal.print(piece);
    await terminal.print("\n");
    return exitCodes.ok;
  }
  const { taken, left } = await kept.overseer.define(text);
  if (json) await printJson(terminal, { ok: true, taken, left });
  else {
    const counts = Object.entries(taken).map(([section, each]) => `${count(each)} ${section}`);
    await terminal.print(
      `${counts.join(", ")}\n${left.map((each) => `  left: ${each}\n`).join("")}`,
    );
  }
  return exitCodes.ok;
}
