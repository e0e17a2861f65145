import { UsageError, type Command, type Line } from "./command.ts";
import { countOf, shownFindings, type Mendable } from "./findings.ts";
import { machineFindings } from "./doctor/findings.ts";
import { loopbackFinding, loopbackLinks } from "./doctor/loopback.ts";
import { measureAll, recommendFrom } from "./doctor/measuring.ts";
import { needOptions } from "./doctor/need.ts";
import { realProbe } from "./doctor/probe.ts";
import { exitCodes } from "./exit-code.ts";
import { printJson, type Terminal } from "./terminal.ts";
import { several } from "./units.ts";

/** Says what this machine can do for processes that speak with each other on it. */
export const doctor: Command = {
  name: "doctor",
  summary: "what this machine can do, what is wrong, how to mend it",
  usage: "[--measure [--quick] | --from FILE]",
  about: `Looks at kernel, addon, shared memory, limits and control groups, and at
processes that speak by TCP on one host. Changes nothing; warnings do not fail.
With --measure it measures every mechanism between processes that it starts,
writes a report in Markdown and one in HTML, and says which is for your need;
with --from it says that from what was measured before.`,
  options: {
    measure: { about: "measure all mechanisms side by side, for some minutes" },
    quick: { about: "measure for half a minute, rougher" },
    from: { value: "FILE", about: "measure nothing: recommend from the report.json of before" },
    out: { value: "FOLDER", about: "where the reports go; default ./trunkline-doctor" },
    ...needOptions,
  },
  words: [],
  examples: [
    "doctor",
    "doctor --measure --quick",
    "doctor --measure --size 4k --rate 20k --pattern call --trust same-user",
    "doctor --from trunkline-doctor/report.json --pattern event --durable",
  ],
  async run(line) {
    line.atMost(0);
    const from = line.text("from");
    const measures = line.on("measure");
    if (measures && from !== undefined)
      throw new UsageError("--from says not to measure, and --measure to");
    const of = from === undefined ? ["quick", "out", ...Object.keys(needOptions)] : ["quick"];
    const vain = of.find((name) => line.on(name) || line.text(name) !== undefined);
    if (measures) return measureAll(line);
    if (vain !== undefined) throw new UsageError(`--${vain} says something to --measure only`);
    if (from !== undefined) return recommendFrom(line, from);
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
  findings: readonly Mendable[],
  wrong: number,
  warnings: number,
  terminal: Terminal,
): string {
  const sum =
    wrong + warnings === 0
      ? "nothing is wrong"
      : `${several(wrong, "thing")} wrong, ${several(warnings, "warning")}`;
  return `${shownFindings("this machine", findings, terminal)}${sum}\n`;
}
