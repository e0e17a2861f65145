import type { Transport, TransportCapabilities } from "./transport.ts";

/** What each capability means to a user, in the order of the table. */
const columns: readonly [heading: string, cell: (capabilities: TransportCapabilities) => string][] =
  [
    ["between processes", ({ crossProcess }) => tick(crossProcess)],
    ["between hosts", ({ crossHost }) => tick(crossHost)],
    ["in order", ({ ordered }) => tick(ordered)],
    ["nothing lost while open", ({ reliable }) => tick(reliable)],
    ["death of the peer noticed at once", ({ noticesDeath }) => tick(noticesDeath)],
    ["largest frame", ({ frameBytesMax }) => inUnits(frameBytesMax)],
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

/** In bytes where it is no round number: one more is refused. */
function inUnits(bytes: number): string {
  const mebibyte = 1024 * 1024;
  if (bytes < mebibyte && bytes % 1024 === 0) return `${bytes / 1024} KiB`;
  if (bytes < mebibyte) return `${bytes.toLocaleString("en")} bytes`;
  return `${Math.ceil(bytes / mebibyte)} MiB`;
}
