import { client } from "../chassis/client.ts";
import { Health, type HealthQuestion } from "../chassis/health.ts";
import type { Command, Line } from "./command.ts";
import { deadlineOf, deadlineOption } from "./deadline.ts";
import { exitCodes } from "./exit-code.ts";
import { checked } from "./remote.ts";
import { printJson, styled, type Terminal } from "./terminal.ts";
import { age } from "./units.ts";

/** Tells whether a process serves. */
export const health: Command = {
  name: "health",
  summary: "whether a process, or one contract of it, can be asked to work",
  usage: "ADDRESS [CONTRACT]",
  options: {
    watch: { about: "go on telling when it changes, until the process stops" },
    ...deadlineOption,
  },
  examples: ["health unix:./run/orders.sock", "health unix:./run/orders.sock orders --watch"],
  async run(line) {
    await using asked = client(Health, checked(line.word(0, "ADDRESS")));
    line.atMost(2);
    const contract = line.optionalWord(1);
    const question: HealthQuestion = contract === undefined ? {} : { contract };
    if (line.on("watch")) return await watched(asked.watch(question, deadlineOf(line)), line);
    const { serving } = await asked.check(question, deadlineOf(line));
    if (line.json) await printJson(line.terminal, { ok: serving, serving });
    else await line.terminal.print(`${shown(serving, line.terminal)}\n`);
    return serving ? exitCodes.ok : exitCodes.notServing;
  },
};

async function watched(
  reports: AsyncIterable<{ readonly serving: boolean }>,
  { terminal, json }: Line,
): Promise<number> {
  const { env } = terminal;
  const begunAt = env.now();
  let last = false;
  for await (const { serving } of reports) {
    last = serving;
    if (json) await printJson(terminal, { serving });
    else
      await terminal.print(
        `${`+${age(env.now() - begunAt)}`.padEnd(12)}${shown(serving, terminal)}\n`,
      );
  }
  if (json) await printJson(terminal, { ok: last, serving: last });
  return last ? exitCodes.ok : exitCodes.notServing;
}

function shown(serving: boolean, terminal: Terminal): string {
  return serving ? styled(terminal, "green", "serving") : styled(terminal, "red", "not serving");
}
