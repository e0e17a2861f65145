import { isBytes, type JsonSchema, type OperationShape } from "../../base/contract-shape.ts";
import { kinds } from "../kinds.ts";
import { Reading } from "./covers.ts";
import { same } from "./schema-node.ts";
import { worse, type Finding, type Gap, type Verdict } from "./finding.ts";

/** What has changed in one operation, without its name. */
export function operationFindings(older: OperationShape, newer: OperationShape): Finding[] {
  if (older.kind !== newer.kind)
    return [finding("kind", `was ${older.kind}, is ${newer.kind}`, "breaks", "breaks")];
  return [
    ...payloadFindings("head", "client", older.head, newer.head),
    ...payloadFindings("in", "client", older.in, newer.in),
    ...(kinds[older.kind].answers === "none"
      ? []
      : payloadFindings("out", "server", older.out, newer.out)),
    ...errorFindings(older.errors ?? {}, newer.errors ?? {}),
    ...promiseFindings(older, newer),
  ];
}

/** A payload that one side sends: what the other one makes of it, in both directions. */
function payloadFindings(
  where: string,
  sender: Sender,
  older: JsonSchema | undefined,
  newer: JsonSchema | undefined,
): Finding[] {
  const newReads = payloadGaps(newer, older, true);
  return directed(where, sender, newReads, payloadGaps(older, newer, false));
}

export type Sender = "client" | "server";

/**
 * What a payload's gaps mean for both directions: `newReads` are those of the new version where the old one writes, `oldReads`
 * the others. What is said alike in both is one finding.
 */
export function directed(
  where: string,
  sender: Sender,
  newReads: readonly Gap[],
  oldReads: readonly Gap[],
): Finding[] {
  const [forward, backward] = sender === "client" ? [newReads, oldReads] : [oldReads, newReads];
  const findings = new Map<string, Finding>();
  const add = ({ path, change }: Gap, first: Verdict, second: Verdict): void => {
    const place = path === "" ? where : `${where}.${path}`;
    const name = `${place} ${change}`;
    const there = findings.get(name) ?? finding(place, change, "ok", "ok");
    findings.set(
      name,
      finding(
        place,
        change,
        worse(there.oldClientNewServer, first),
        worse(there.newClientOldServer, second),
      ),
    );
  };
  for (const gap of forward) add(gap, gap.verdict, "ok");
  for (const gap of backward) add(gap, "ok", gap.verdict);
  return [...findings.values()];
}

/** What the reader misses in what the writer sends. Who declares nothing sends nothing, and drops what comes. */
function payloadGaps(
  reader: JsonSchema | undefined,
  writer: JsonSchema | undefined,
  newer: boolean,
): readonly Gap[] {
  const gap = (change: string, verdict: Verdict): Gap => ({ path: "", change, verdict });
  const there = newer ? "was added" : "was removed";
  if (reader === undefined)
    return writer === undefined ? [] : [gap(newer ? "was removed" : "was added", "ok")];
  if (writer === undefined) return [gap(there, "breaks")];
  if (isBytes(reader) !== isBytes(writer)) {
    const [was, is] = [newer ? writer : reader, newer ? reader : writer].map((schema) =>
      isBytes(schema) ? "bytes" : "a value",
    );
    return [gap(`was ${was}, is ${is}`, "breaks")];
  }
  const notes = [reader, writer].flatMap(({ $comment }) =>
    typeof $comment === "string" ? [$comment] : [],
  );
  return [
    ...[...new Set(notes)].map((note) => gap(`cannot be compared whole: ${note}`, "unknown")),
    ...(same(reader, writer) ? [] : schemaGaps(reader, writer, newer)),
  ];
}

/** What the reader of one schema misses in what the writer of the other sends. `newer`: the reader is the new version. */
export function schemaGaps(reader: JsonSchema, writer: JsonSchema, newer: boolean): readonly Gap[] {
  return new Reading(newer).gaps(
    { schema: reader, root: reader },
    { schema: writer, root: writer },
    "",
  );
}

type Errors = NonNullable<OperationShape["errors"]>;

function errorFindings(older: Errors, newer: Errors): Finding[] {
  return [...new Set([...Object.keys(older), ...Object.keys(newer)])].flatMap((code) => {
    const where = `error ${code}`;
    const [was, is] = [older[code], newer[code]];
    if (was === undefined)
      return [finding(where, "was added: older clients take it for UNKNOWN", "breaks", "ok")];
    if (is === undefined)
      return [finding(where, "was removed: older servers may still answer it", "ok", "breaks")];
    return payloadFindings(where, "server", was ?? undefined, is ?? undefined);
  });
}

const strength = (idempotent: OperationShape["idempotent"]): number =>
  idempotent === true ? 2 : idempotent === "by-key" ? 1 : 0;

/** From the weakest to the strongest; first what is no message. */
const deliveries: readonly OperationShape["delivery"][] = [
  undefined,
  "at-most-once",
  "at-least-once",
  "exactly-once",
];

/** What is promised beside the payloads. */
function promiseFindings(older: OperationShape, newer: OperationShape): Finding[] {
  const findings: Finding[] = [];
  const change = (was: Told, is: Told): string => `was ${text(was)}, is ${text(is)}`;
  const [was, is] = [strength(older.idempotent), strength(newer.idempotent)];
  if (was !== is) {
    const told = change(older.idempotent, newer.idempotent);
    // Who believes the stronger promise repeats what perhaps ran.
    findings.push(
      is < was
        ? finding("idempotent", told, "breaks", "ok")
        : finding("idempotent", told, "ok", "breaks"),
    );
  }
  if (older.delivery !== newer.delivery) {
    const told = change(older.delivery, newer.delivery);
    const weaker = deliveries.indexOf(newer.delivery) < deliveries.indexOf(older.delivery);
    // Who sends believes its own version: what is weaker at the consumer's may be lost, or happen twice.
    findings.push(
      weaker
        ? finding("delivery", told, "breaks", "ok")
        : finding("delivery", told, "ok", "breaks"),
    );
  }
  if (older.key !== newer.key) {
    const lost = older.key === undefined ? "ok" : "breaks";
    const gained = newer.key === undefined ? "ok" : "breaks";
    findings.push(finding("key", change(older.key, newer.key), lost, gained));
  }
  for (const [where, before, now] of [
    ["deadline", older.deadlineMs, newer.deadlineMs],
    ["idle", older.idleMs, newer.idleMs],
  ] as const)
    if (before !== now) findings.push(finding(where, change(ms(before), ms(now)), "ok", "ok"));
  return findings;
}

type Told = string | boolean | undefined;

function text(value: Told): string {
  if (value === undefined) return "none";
  return typeof value === "string" ? value : value ? "yes" : "no";
}

function ms(value: number | undefined): string | undefined {
  return value === undefined ? undefined : `${value} ms`;
}

export function finding(
  where: string,
  change: string,
  oldClientNewServer: Verdict,
  newClientOldServer: Verdict,
): Finding {
  return { where, change, oldClientNewServer, newClientOldServer };
}
