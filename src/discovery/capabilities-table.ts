import type { Discovery, DiscoveryCapabilities } from "./discovery.ts";

/** What each capability means to a user, in the order of the table. */
const columns: readonly [heading: string, cell: (capabilities: DiscoveryCapabilities) => string][] =
  [
    ["processes register themselves", ({ registers }) => tick(registers)],
    ["the dead are forgotten", ({ expires }) => expiry[expires]],
    ["changes come by themselves", ({ pushes }) => (pushes ? "yes" : "asked for")],
    ["lane, weight, locality, state", ({ attributes }) => tick(attributes)],
  ];

const expiry: Readonly<Record<DiscoveryCapabilities["expires"], string>> = {
  lease: "when their lease is over",
  "at once": "at once",
  never: "by whoever keeps the list",
};

/** The registries and what they promise, as a Markdown table for the docs; the suite has tested each cell. */
export function discoveriesTable(discoveries: readonly Discovery[]): string {
  const rows = [
    ["registry", ...columns.map(([heading]) => heading)],
    ["---", ...columns.map(() => "---")],
    ...discoveries.map(({ name, capabilities }) => [
      `\`${name}\``,
      ...columns.map(([, cell]) => cell(capabilities)),
    ]),
  ];
  return rows.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

function tick(kept: boolean): string {
  return kept ? "yes" : "no";
}
