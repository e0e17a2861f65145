import { open, rm, type FileHandle } from "node:fs/promises";
import { PassThrough, type Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { folderAt } from "../bridge/embedded/address.ts";
import { compact } from "../broker/embedded/storage/tools/compact.ts";
import { exportTo } from "../broker/embedded/storage/tools/export.ts";
import { importFrom } from "../broker/embedded/storage/tools/import.ts";
import { inspect } from "../broker/embedded/storage/tools/inspect.ts";
import { repair } from "../broker/embedded/storage/tools/repair.ts";
import { verify } from "../broker/embedded/storage/tools/verify.ts";
import { fileAddress } from "./broker-look.ts";
import { UsageError, type Line } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { Progress } from "./progress.ts";
import { printJson, styled, type Terminal } from "./terminal.ts";
import { bytes, count, several } from "./units.ts";

// What is done with the file of a folder that no broker has open. All of it says where it stands when that takes long.

function folderOf(line: Line, words: number): string {
  const folder = folderAt(fileAddress(line.word(1, "FOLDER")));
  line.atMost(words);
  return folder;
}

/** Runs what may take long, and says how far it is. */
async function watched<T>(
  terminal: Terminal,
  run: (progress: (done: number, of: number, what: string) => void) => Promise<T>,
): Promise<T> {
  const progress = new Progress(terminal);
  try {
    return await run(progress.at);
  } finally {
    progress.end();
  }
}

export async function inspectStore(line: Line): Promise<number> {
  const { terminal, json } = line;
  const found = await inspect(folderOf(line, 2));
  const { path, form, definitions, lanes, marks } = found;
  const messages = lanes.reduce((sum, lane) => sum + lane.count, 0);
  if (json) await printJson(terminal, { ok: true, ...found, messages });
  else {
    const kinds = Map.groupBy(definitions, ({ kind }) => kind);
    const told = [...kinds].map(([kind, each]) => several(each.length, kind)).join(", ");
    await terminal.print(
      `${styled(terminal, "bold", path)}    form ${form}, ${bytes(found.bytes)}, ${bytes(found.freeBytes)} of it free\n` +
        `  ${told === "" ? "nothing declared" : told}\n` +
        `  ${several(messages, "message")} in ${several(lanes.length, "lane")}, ${several(marks, "id")} remembered\n`,
    );
  }
  return exitCodes.ok;
}

export async function verifyStore(line: Line): Promise<number> {
  const { terminal, json } = line;
  const folder = folderOf(line, 2);
  const found = await watched(terminal, (progress) => verify(folder, progress));
  const { problems, messages } = found;
  const ok = problems.length === 0;
  if (json) await printJson(terminal, { ok, ...found });
  else
    await terminal.print(
      ok
        ? `sound: ${several(messages, "message")}, ${bytes(found.bytes)}\n`
        : problems.map((each) => `${styled(terminal, "red", "✗")} ${each}\n`).join(""),
    );
  return ok ? exitCodes.ok : exitCodes.found;
}

export async function compactStore(line: Line): Promise<number> {
  const { terminal, json } = line;
  const folder = folderOf(line, 2);
  const { before, after } = await watched(terminal, (progress) => compact(folder, progress));
  if (json) await printJson(terminal, { ok: true, before, after });
  else await terminal.print(`${bytes(before)} before, ${bytes(after)} now\n`);
  return exitCodes.ok;
}

export async function exportStore(line: Line): Promise<number> {
  const { terminal, json } = line;
  const folder = folderOf(line, 3);
  const path = line.optionalWord(2);
  if (path === undefined) {
    await printed(terminal, (out) =>
      watched(terminal, (progress) => exportTo(folder, out, progress)),
    );
    return exitCodes.ok;
  }
  const messages = await watched(terminal, (progress) =>
    writtenTo(path, (out) => exportTo(folder, out, progress)),
  );
  if (json) await printJson(terminal, { ok: true, messages });
  else await terminal.print(`${several(messages, "message")} written to ${path}\n`);
  return exitCodes.ok;
}

/** To a new file, for this user alone; of what failed nothing is left. */
async function writtenTo<T>(path: string, write: (out: Writable) => Promise<T>): Promise<T> {
  const out = (await openedAs(path, "wx")).createWriteStream();
  const end = finished(out);
  end.catch(() => {}); // whoever writes is told too
  try {
    const written = await write(out);
    out.end();
    await end;
    return written;
  } catch (error) {
    out.destroy();
    await rm(path, { force: true });
    throw out.errored === null ? error : new Error(`${path}: ${out.errored.message}`);
  }
}

/** A file that somebody names: what is wrong with it is a mistake of the command line. */
async function openedAs(path: string, flags: "r" | "wx"): Promise<FileHandle> {
  try {
    return await open(path, flags, 0o600);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EEXIST")
      throw new UsageError(`${path} is there already; name another file, or remove it`);
    throw new UsageError(code === "ENOENT" && flags === "r" ? `there is no file ${path}` : message);
  }
}

/** To standard output, as fast as that is read. */
async function printed(
  terminal: Terminal,
  write: (out: PassThrough) => Promise<unknown>,
): Promise<void> {
  const out = new PassThrough();
  const written = write(out).finally(() => out.end());
  for await (const piece of out as AsyncIterable<Uint8Array>) await terminal.print(piece);
  await written;
}

export async function importStore(line: Line): Promise<number> {
  const { terminal, json } = line;
  const folder = folderOf(line, 3);
  const path = line.optionalWord(2);
  const file = path === undefined ? undefined : await openedAs(path, "r");
  try {
    const input = file?.createReadStream() ?? terminal.input();
    const lines = linesOf(input as AsyncIterable<Uint8Array>);
    const messages = await watched(terminal, (progress) => importFrom(folder, lines, progress));
    if (json) await printJson(terminal, { ok: true, messages });
    else await terminal.print(`${several(messages, "message")} in ${folder}\n`);
    return exitCodes.ok;
  } finally {
    await file?.close();
  }
}

async function* linesOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of input) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== "") yield rest;
}

export async function repairStore(line: Line): Promise<number> {
  const { terminal, json } = line;
  const folder = folderOf(line, 2);
  const accepted = line.on("accept-loss");
  const found = await watched(terminal, (progress) => repair(folder, accepted, progress));
  const { messages, lost, problems, damaged } = found;
  if (json) await printJson(terminal, { ok: true, ...found });
  else {
    const gone = lost === undefined ? "nobody knows how many are lost" : `${count(lost)} lost`;
    await terminal.print(
      problems.map((each) => `${styled(terminal, "yellow", "!")} ${each}\n`).join("") +
        `${several(messages, "message")} kept, ${gone}; the damaged file is ${damaged}\n`,
    );
  }
  return exitCodes.ok;
}
