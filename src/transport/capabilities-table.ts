import type { Transport, TransportCapabilities } from "./transport.ts";

/** What each capability means to a user, in the order of the table. */
const columns: readonly [heading: string, cell: (capabilities: TransportCapabilities) => string][] =
  [
    ["between processes", ({ crossProcess }) => tick(crossProcess)],
    ["between hosts", ({ crossHost }) => tick(crossHost)],
    ["in order", ({ ordered }) => tick(ordered)],
    ["nothing lost while open", ({ reliable }) => tick(reliable)],
    ["death of the peer noticed at once", ({ noticesDeath }) => tick(noticesDeath)],
    ["largest frame", ({ frameBytesMax }) => inMebibytes(frameBytesMax)],
  ];

/** The transports and what they promise, as a Markdown table for the docs; the suite has tested each cell. */
export function capabilitiesTable(transports: readonly Transport[]): string {
  const rows = [
    ["transport", ...columns.map(([heading]) => heading)],
    ["---", ...columns.map(() => "---")],
    ...transports.map(({ name, capabilities }) => [
      `\`${name}:\``,
      ...columns.map(([, cell]) => cell(capabilities)),
    ]),
  ];
  return rows.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

function tick(kept: boolean): string {
  return kept ? "yes" : "no";
}

function inMebibytes(bytes: number): string {
  if (bytes < 1024 * 1024) return `${Math.floor(bytes / 1024)} KiB`;
  return `${Math.ceil(bytes / (1024 * 1024))} MiB`;
}
