import type { Command, Line } from "./command.ts";
import { countOf, shownFindings } from "./findings.ts";
import { machineFindings, type MachineFinding } from "./doctor/findings.ts";
import { loopbackFinding, loopbackLinks } from "./doctor/loopback.ts";
import { realProbe } from "./doctor/probe.ts";
import { exitCodes } from "./exit-code.ts";
import { printJson, type Terminal } from "./terminal.ts";
import { several } from "./units.ts";

/** Says what this machine can do for processes that speak with each other on it. */
export const doctor: Command = {
  name: "doctor",
  summary: "what this machine can do, what is wrong, how to mend it",
  usage: "",
  about: `Looks at kernel, addon, shared memory, limits and control groups, and at pairs of
processes that speak by TCP on one host. Changes nothing. Warnings do not fail.`,
  options: {},
  words: [],
  examples: ["doctor", "doctor --json"],
  async run(line) {
    line.atMost(0);
    return look(line);
  },
};

async function look({ terminal, json }: Line): Promise<number> {
  const probe = realProbe();
  const links = loopbackLinks(probe);
  const findings = [...machineFindings(probe), loopbackFinding(links)];
  const [wrong, warnings] = [countOf(findings, "wrong"), countOf(findings, "warning")];
  if (json) await printJson(terminal, { ok: wrong === 0, wrong, warnings, findings, links });
  else await terminal.print(shown(findings, wrong, warnings, terminal));
  return wrong === 0 ? exitCodes.ok : exitCodes.found;
}

function shown(
  findings: readonly MachineFinding[],
  wrong: number,
  warnings: number,
  terminal: Terminal,
): string {
  const told = findings.map((each) =>
    each.mend === undefined ? each : { ...each, advice: `${each.advice ?? ""}: ${each.mend}` },
  );
  const sum =
    wrong + warnings === 0
      ? "nothing is wrong"
      : `${several(wrong, "thing")} wrong, ${several(warnings, "warning")}`;
  return `${shownFindings("this machine", told, terminal)}${sum}\n`;
}
