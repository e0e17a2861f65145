import { judged } from "../contract/compare/advice.ts";
import { compareContracts, type ContractDiff } from "../contract/compare/compare.ts";
import type { Verdict } from "../contract/compare/finding.ts";
import type { ContractDescription } from "../contract/describe.ts";
import { UsageError, type Line } from "./command.ts";
import { contractsAt } from "./contract-sources.ts";
import { deadlineOf } from "./deadline.ts";
import { exitCodes } from "./exit-code.ts";
import { formatRules } from "./format-rules.ts";
import { majorOf } from "./remote.ts";
import { table } from "./table.ts";
import { printJson, styled, type Terminal } from "./terminal.ts";

/** What `--format` can be. */
export const formats: readonly string[] = Object.keys(formatRules);

/** What became of one contract between OLD and NEW. */
type Change = ContractDiff & { readonly ok: boolean };

/** Compares what OLD and NEW say, contract by contract. */
export async function contractDiff(line: Line): Promise<number> {
  const [old, now] = [line.word(1, "OLD"), line.word(2, "NEW")];
  line.atMost(3);
  const format = line.text("format") ?? "json";
  if (!formats.includes(format))
    throw new UsageError(`--format takes one of ${formats.join(", ")}, not "${format}"`);
  const rules = await formatRules[format]!(line.text("lock") ?? "proto.lock.json");
  const options = deadlineOf(line);
  const [older, newer] = [await contractsAt(old, options), await contractsAt(now, options)];
  const pairs = pairsOf(older, newer);
  const changes = pairs.map(([was, is]): Change => {
    const diff = compareContracts(was, is, rules);
    return { ok: line.on("lenient") ? letPass(diff) : diff.agrees, ...diff };
  });
  const removed = older.filter((each) => !pairs.some(([was]) => was === each));
  const ok = removed.length === 0 && changes.every((change) => change.ok);
  const { terminal } = line;
  if (line.json) {
    const gone = removed.map(({ name, version }) => ({ name, version }));
    await printJson(terminal, { ok, format, contracts: changes, removed: gone });
  } else {
    const gone = removed.map(({ name, version }) => `${name} ${version}  was removed\n`);
    await terminal.print([...changes.map((change) => shown(change, terminal)), ...gone].join("\n"));
  }
  return ok ? exitCodes.ok : exitCodes.found;
}

type Pair = readonly [older: ContractDescription, newer: ContractDescription];

/** Each new contract with the old one of its name: of the same major, else of the one before, else of any. */
function pairsOf(
  older: readonly ContractDescription[],
  newer: readonly ContractDescription[],
): readonly Pair[] {
  return newer.flatMap((is): Pair[] => {
    const major = majorOf(is);
    const named = older
      .filter(({ name }) => name === is.name)
      .toSorted((a, b) => majorOf(b) - majorOf(a));
    const was = named.find((each) => majorOf(each) <= major) ?? named.at(-1);
    return was === undefined ? [] : [[was, is]];
  });
}

/** Whether the version says enough of what is certain. */
function letPass({ findings, from, to }: ContractDiff): boolean {
  const sure = (verdict: Verdict): Verdict => (verdict === "unknown" ? "ok" : verdict);
  const certain = findings
    .map((each) => ({
      ...each,
      oldClientNewServer: sure(each.oldClientNewServer),
      newClientOldServer: sure(each.newClientOldServer),
      unknown: each.oldClientNewServer === "unknown" || each.newClientOldServer === "unknown",
    }))
    // What is not known to be a change asks for nothing.
    .filter(
      ({ unknown, oldClientNewServer, newClientOldServer }) =>
        !unknown || oldClientNewServer !== "ok" || newClientOldServer !== "ok",
    );
  return judged(certain, from, to).agrees;
}

function shown({ name, from, to, findings, ok, ...diff }: Change, terminal: Terminal): string {
  const title = styled(terminal, "bold", `${name} ${from} → ${to}`);
  if (findings.length === 0) return `${title}  nothing has changed\n`;
  const head = ["  operation", "where", "what", "old → new", "new → old"];
  const rows = findings.map((each) => [
    `  ${each.operation ?? ""}`,
    each.where,
    each.change,
    each.oldClientNewServer,
    each.newClientOldServer,
  ]);
  const { advised, declared = "lower" } = diff;
  const verdict = ok
    ? styled(terminal, "green", `fits: ${advised} is needed, ${declared} is declared`)
    : styled(terminal, "red", `does not fit: ${advised} is needed, ${declared} is declared`);
  return `${title}  ${verdict}\n${table([head, ...rows])}`;
}
