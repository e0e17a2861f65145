import { info } from "../contract/contract.ts";
import { describe } from "../contract/describe.ts";
import { inputSideProblems } from "../contract/input-side.ts";
import { rules, type Severity } from "../protocol/rest/lint-rules.ts";
import { lintRest, type Finding } from "../protocol/rest/lint.ts";
import { didYouMean } from "./closest.ts";
import { UsageError, type Command, type Line } from "./command.ts";
import { bindingsIn, loadContracts } from "./contract-module.ts";
import { exitCodes } from "./exit-code.ts";
import { printJson, styled, type Style } from "./terminal.ts";
import { several } from "./units.ts";

const styles: Readonly<Record<Severity, Style>> = { error: "red", warning: "yellow", info: "dim" };
const severities = Object.keys(styles) as Severity[];

/** The rule of schemas that promise what JSON cannot carry; it looks at the contract itself, not at its description. */
const survives = "values-survive-json";

/** Says what REST teaches otherwise. */
export const lint: Command = {
  name: "lint",
  summary: "check contracts by the rules of REST, and say what to do",
  usage: "CONTRACT-MODULE [--off RULE]… [--fail-on SEVERITY]",
  about: `A module is loaded and run; bindings that it exports (bindRest) count.
Ends with 8 where something is at least as severe as --fail-on says.`,
  options: {
    off: { value: "RULE", multiple: true, about: "do not ask this rule; may be repeated" },
    "fail-on": { value: "SEVERITY", about: "error, warning, info or never; default error" },
    rules: { about: "list the rules, and do nothing else" },
  },
  examples: [
    "lint ./orders.contract.ts",
    "lint ./orders.contract.ts --off path-is-nouns --fail-on warning",
    "lint --rules",
  ],
  async run(line) {
    if (line.on("rules")) return listRules(line);
    const module = line.word(0, "CONTRACT-MODULE");
    line.atMost(1);
    const off = line.texts("off");
    const failing = failOn(line);
    checkRules(off);
    const findings = await findingsIn(module, off);
    const found = findings.filter(({ severity }) => failing.includes(severity));
    if (line.json) for (const finding of findings) await printJson(line.terminal, { finding });
    else for (const finding of findings) await line.terminal.print(shown(line, finding));
    const counts = severities.map(
      (each) => findings.filter(({ severity }) => severity === each).length,
    );
    const ok = found.length === 0;
    if (line.json)
      await printJson(line.terminal, {
        ok,
        ...Object.fromEntries(severities.map((each, index) => [each, counts[index]])),
      });
    else await line.terminal.print(`${told(counts)}\n`);
    return ok ? exitCodes.ok : exitCodes.found;
  },
};

async function findingsIn(module: string, off: readonly string[]): Promise<Finding[]> {
  const { contracts, exported } = await loadContracts(module);
  const bindings = bindingsIn(exported);
  return contracts.flatMap((contract) => {
    const { name, major } = contract[info];
    const binding = bindings.find((each) => each.contract === name && each.major === major);
    const lost = off.includes(survives)
      ? []
      : inputSideProblems(contract).map(({ operation, where, problem, advice }) => ({
          rule: survives,
          severity: "error" as const,
          where: `${name}.${operation} ${where}`,
          what: problem,
          advice,
        }));
    return [...lost, ...lintRest(describe(contract), { terms: binding?.terms, off })];
  });
}

function shown({ terminal }: Line, { rule, severity, where, what, advice }: Finding): string {
  const mark = styled(terminal, styles[severity], severity);
  return `${mark} ${where}\n  ${what}\n  → ${advice} ${styled(terminal, "dim", `(${rule})`)}\n`;
}

function told(counts: readonly number[]): string {
  const [errors = 0, warnings = 0, others = 0] = counts;
  if (errors + warnings + others === 0) return "nothing to say";
  const parts = [several(errors, "error"), several(warnings, "warning")];
  return [...parts, `${others} of advice`].join(", ");
}

function failOn(line: Line): readonly Severity[] {
  const text = line.text("fail-on") ?? "error";
  if (text === "never") return [];
  const index = severities.indexOf(text as Severity);
  if (index >= 0) return severities.slice(0, index + 1);
  throw new UsageError(`--fail-on takes error, warning, info or never, not "${text}"`);
}

function checkRules(off: readonly string[]): void {
  const names = [survives, ...Object.keys(rules)];
  const unknown = off.find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new UsageError(`there is no rule ${unknown}; ${didYouMean(unknown, names)}`);
}

async function listRules(line: Line): Promise<number> {
  const list = [
    { name: survives, severity: "error", about: "payloads are what JSON can carry" },
    ...Object.entries(rules).map(([name, { severity, about }]) => ({ name, severity, about })),
  ];
  for (const rule of list) {
    if (line.json) await printJson(line.terminal, rule);
    else
      await line.terminal.print(
        `${rule.name.padEnd(28)} ${rule.severity.padEnd(8)} ${rule.about}\n`,
      );
  }
  if (line.json) await printJson(line.terminal, { ok: true });
  return exitCodes.ok;
}
