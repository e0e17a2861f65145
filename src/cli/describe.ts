import type { ContractDescription, OperationDescription } from "../contract/describe.ts";
import type { ProcessDescription } from "../chassis/reflection.ts";
import type { Command } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { describeRemote, majorOf } from "./remote.ts";
import { schemaText } from "./schema-text.ts";
import { printJson, styled, type Terminal } from "./terminal.ts";
import { table } from "./table.ts";
import { deadlineOf, deadlineOption } from "./deadline.ts";
import { age } from "./units.ts";

/** Shows what a process serves. */
export const describe: Command = {
  name: "describe",
  summary: "what a process serves: contracts, operations, what goes in and out",
  usage: "ADDRESS",
  options: { ...deadlineOption },
  examples: ["describe unix:./run/orders.sock", "describe unix:./run/orders.sock --json"],
  async run(line) {
    const address = line.word(0, "ADDRESS");
    line.atMost(1);
    const { terminal } = line;
    const told = await describeRemote(address, deadlineOf(line));
    if (line.json) await printJson(terminal, { ok: true, ...told });
    else await terminal.print(shown(told, terminal));
    return exitCodes.ok;
  },
};

function shown(told: ProcessDescription, terminal: Terminal): string {
  const { name, instance, ready, uptimeMs, addresses, contracts } = told;
  const state = ready ? styled(terminal, "green", "ready") : styled(terminal, "yellow", "stopping");
  const head = `${styled(terminal, "bold", name)}    ${addresses.join(", ")}    ${state}, ${age(uptimeMs)}\n`;
  const about = `${styled(terminal, "dim", `instance ${instance}`)}\n`;
  return (
    head + about + contracts.map((contract) => `\n${contractText(contract, terminal)}`).join("")
  );
}

function contractText(contract: ContractDescription, terminal: Terminal): string {
  const { name, version, operations } = contract;
  const title = styled(terminal, "bold", `${name}@${majorOf(contract)}`);
  const rows = Object.entries(operations).map(([member, operation]) => [
    `  ${member}`,
    operation.kind,
    signature(operation),
    promises(operation),
  ]);
  return `${title} (${version})\n${table(rows)}`;
}

function signature({ kind, in: input, out }: OperationDescription): string {
  if (kind === "notification") return schemaText(input);
  return `${schemaText(input)} → ${schemaText(out)}${kind === "stream" ? " …" : ""}`;
}

function promises({ idempotent, key, errors }: OperationDescription): string {
  const said: string[] = [];
  if (idempotent === true) said.push("idempotent");
  if (idempotent === "by-key") said.push("by key");
  if (key !== undefined) said.push(`ordered by ${key}`);
  if (errors !== undefined) said.push(`errors ${Object.keys(errors).join(", ")}`);
  return said.join("  ");
}
