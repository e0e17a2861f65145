import type { Kind } from "../base/handler.ts";
import type { Protocol, ProtocolCapabilities } from "./protocol.ts";

const kinds: readonly Kind[] = ["call", "stream", "upload", "duplex", "notification"];

/** What each capability means to a user, in the order of the table. */
const columns: readonly [heading: string, cell: (capabilities: ProtocolCapabilities) => string][] =
  [
    ["kinds", kindsIn],
    [
      "deadline, cancelling and headers travel",
      ({ deadline, cancel, headers }) => tick(deadline && cancel && headers),
    ],
    ["`executed` is told", ({ executed }) => tick(executed)],
    ["cut on its way out, it did not run", ({ whole }) => tick(whole)],
    ["a slow reader holds back", ({ credit, ahead }) => (credit ? `by ${ahead}` : "no")],
    ["calls back", ({ callback }) => tick(callback)],
  ];

/** The protocols and what they promise, as a Markdown table for the docs; the suite has tested each cell. */
export function protocolsTable(protocols: readonly Protocol[]): string {
  const rows = [
    ["protocol", ...columns.map(([heading]) => heading)],
    ["---", ...columns.map(() => "---")],
    ...protocols.map(({ name, capabilities }) => [
      `\`${name}\``,
      ...columns.map(([, cell]) => cell(capabilities)),
    ]),
  ];
  return rows.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

function kindsIn(capabilities: ProtocolCapabilities): string {
  const missing = kinds.filter((kind) => !capabilities.kinds.includes(kind));
  return missing.length === 0 ? "all" : `all but ${missing.join(", ")}`;
}

function tick(kept: boolean): string {
  return kept ? "yes" : "no";
}
