import type { OperationDescription } from "../contract/describe.ts";
import type { JsonSchema } from "../contract/json-schema.ts";
import { kinds } from "../contract/kinds.ts";
import type { ProcessDescription, ServedContract } from "../chassis/reflection.ts";
import type { ConnectionWay } from "../protocol/protocol.ts";
import { parseAddress } from "../transport/address.ts";
import { didYouMean } from "./closest.ts";
import { UsageError, type Command } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { findOperation, majorOf, reachRemote, type RemoteOperation } from "./remote.ts";
import { schemaText } from "./schema-text.ts";
import { printJson, styled, type Terminal } from "./terminal.ts";
import { annotated, fitting, table } from "./table.ts";
import { deadlineOf, deadlineOption } from "./deadline.ts";
import { age, latency } from "./units.ts";

/** How long the text of a schema may be: the first that lets all lines fit. Without a terminal: 60. */
const charsMaxes = [160, 120, 100, 80, 60, 50, 40, 32, 24, 18];

/** Shows what a process serves. */
export const describe: Command = {
  name: "describe",
  summary: "what a process serves: its operations, what goes in and out",
  usage: "ADDRESS [SERVICE | SERVICE.OPERATION]",
  about: "Of an operation that is named it tells all.",
  options: { ...deadlineOption },
  examples: [
    "describe unix:./run/orders.sock",
    "describe unix:./run/orders.sock orders.place",
    "describe unix:./run/orders.sock --json",
  ],
  async run(line) {
    const address = line.word(0, "ADDRESS");
    line.atMost(2);
    const { terminal } = line;
    const path = line.optionalWord(1);
    const { told, way } = await reachRemote(address, deadlineOf(line), terminal.env);
    if (path !== undefined && path.includes(".")) {
      const remote = findOperation(told, path);
      const { contract, name, description } = remote;
      const whose = { contract: contract.name, version: contract.version, operation: name };
      if (line.json) await printJson(terminal, { ok: true, ...whose, ...description });
      else await terminal.print(operationText(remote, terminal));
      return exitCodes.ok;
    }
    const contracts = path === undefined ? told.contracts : contractsNamed(path, told);
    const { name, stayed } = way ?? {};
    if (line.json) await printJson(terminal, { ok: true, ...told, way: name, stayed, contracts });
    else await terminal.print(shown({ ...told, contracts }, wayText(address, way), terminal));
    return exitCodes.ok;
  },
};

/** The contracts of that name, of which there may be several majors; `orders@2` is one. */
function contractsNamed(path: string, { contracts }: ProcessDescription): ServedContract[] {
  const named = contracts.filter((each) =>
    [each.name, `${each.name}@${majorOf(each)}`].includes(path),
  );
  if (named.length > 0) return named;
  const names = contracts.map(({ name }) => name);
  throw new UsageError(`there is no service ${path}; ${didYouMean(path, names)}`);
}

/** `way: tcp, moved to shared memory`: what carries connections from here. */
function wayText(address: string, way: ConnectionWay | undefined): string {
  if (way === undefined) return "";
  const { name, stayed } = way;
  const { transport } = parseAddress(address);
  const moved =
    name === transport
      ? ""
      : `, moved to ${{ shm: "shared memory", unix: "a Unix socket" }[name] ?? name}`;
  return `way: ${transport}${moved}${stayed === undefined ? "" : `, where it stays: ${stayed}`}\n`;
}

function shown(told: ProcessDescription, way: string, terminal: Terminal): string {
  const { name, instance, ready, uptimeMs, addresses, contracts } = told;
  const state = ready ? styled(terminal, "green", "ready") : styled(terminal, "yellow", "stopping");
  const head = `${styled(terminal, "bold", name)}    ${addresses.join(", ")}    ${state}, ${age(uptimeMs)}\n`;
  const about = styled(terminal, "dim", `instance ${instance}\n${way}`);
  return (
    head + about + contracts.map((contract) => `\n${contractText(contract, terminal)}`).join("")
  );
}

function contractText(contract: ServedContract, terminal: Terminal): string {
  const { name, version, operations } = contract;
  const title = styled(terminal, "bold", `${name}@${majorOf(contract)}`);
  const texts = [...layouts(Object.entries(operations))];
  const text = terminal.interactive ? fitting(texts, terminal) : texts[charsMaxes.indexOf(60)]!;
  const end = endText(contract);
  const told = end === "" ? "" : `  ${styled(terminal, "yellow", end)}`;
  return `${title} (${version})${told}\n${text}`;
}

/** Why and when nobody should use it any more; empty where nobody said so. */
function endText({ deprecated, sunset, link }: ServedContract): string {
  const said = [
    ...(deprecated === undefined ? [] : [`deprecated ${deprecated}`]),
    ...(sunset === undefined ? [] : [`sunset ${sunset}`]),
  ];
  return [said.join(", "), ...(link === undefined ? [] : [link])].join("  ");
}

/** From the most to the least that is shown: promises beside what goes in and out, then under it. */
function* layouts(
  operations: readonly (readonly [string, OperationDescription])[],
): Generator<string, void> {
  const texts = (charsMax: number, beside: boolean): string =>
    table(
      operations.map(([member, operation]) => [
        `  ${member}`,
        operation.kind,
        signature(operation, charsMax),
        ...(beside ? [promises(operation)] : []),
      ]),
    );
  for (const charsMax of charsMaxes.filter((each) => each >= 60)) yield texts(charsMax, true);
  const notes = operations.map(([, operation]) => promises(operation));
  for (const charsMax of charsMaxes) yield annotated(texts(charsMax, false), notes);
}

/** `{ name: string }, bytes … → { digest: string }`: head, items, answer. */
function signature({ kind, head, in: input, out }: OperationDescription, charsMax: number): string {
  // A newer process may have kinds that this version does not know.
  const { sends, answers } = kinds[Object.hasOwn(kinds, kind) ? kind : "call"];
  const text = (schema: JsonSchema | undefined, many: boolean): string =>
    `${schemaText(schema, charsMax)}${many ? " …" : ""}`;
  const takes = text(input, sends === "many");
  const sent = head === undefined ? takes : `${text(head, false)}, ${takes}`;
  return answers === "none"
    ? sent
    : `${sent} → ${text(out, answers === "many" || answers === "each")}`;
}

function promises({ delivery, idempotent, key, errors }: OperationDescription): string {
  const said: string[] = delivery === undefined ? [] : [delivery.replaceAll("-", " ")];
  if (idempotent === true) said.push("idempotent");
  if (idempotent === "by-key") said.push("by key");
  if (key !== undefined) said.push(`ordered by ${key}`);
  if (errors !== undefined) said.push(`errors ${Object.keys(errors).join(", ")}`);
  return said.join("  ");
}

const answerNames = { one: "answer", many: "items out", each: "answer of each" } as const;

/** All that is known of one operation, a line for each thing. */
function operationText(
  { contract, name, description }: RemoteOperation,
  terminal: Terminal,
): string {
  const { kind, head, in: input, out, errors = {}, digest, deadlineMs, idleMs } = description;
  const { sends, answers } = kinds[kind];
  const whole = (schema: JsonSchema | undefined | null): string =>
    schemaText(schema ?? undefined, Infinity);
  const rows: (readonly [string, string])[] = [];
  if (sends === "many") rows.push(["head", whole(head)]);
  rows.push([sends === "many" ? "items in" : "input", whole(input)]);
  if (answers !== "none") rows.push([answerNames[answers], whole(out)]);
  for (const [code, data] of Object.entries(errors)) rows.push([`error ${code}`, whole(data)]);
  if (description.delivery !== undefined) rows.push(["delivery", description.delivery]);
  if (description.key !== undefined) rows.push(["ordered by", description.key]);
  const { idempotent } = description;
  rows.push(["idempotent", { true: "yes", false: "no", "by-key": "by key" }[`${idempotent}`]]);
  if (deadlineMs !== undefined) rows.push(["deadline", latency(deadlineMs)]);
  if (idleMs !== undefined) rows.push(["idle", latency(idleMs)]);
  rows.push(["digest", digest]);
  const title = styled(terminal, "bold", `${contract.name}@${majorOf(contract)}.${name}`);
  const about = description.description === undefined ? "" : `${description.description}\n`;
  return `${title}    ${kind}\n${about}${table(rows.map(([what, text]) => [`  ${what}`, text]))}`;
}
