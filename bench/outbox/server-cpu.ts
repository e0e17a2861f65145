import { readdirSync, readFileSync } from "node:fs";

/** The clock ticks of `/proc`, on every Linux that is in use. */
const tickMs = 10;

/** What a server of PostgreSQL has used of the processor since it began, with the processes of all its connections, those too that are over; NaN where this system does not tell. */
export function serverCpuMs(pid: number): number {
  try {
    const server = ticksOf(pid);
    const living = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => {
        try {
          const each = ticksOf(Number(name));
          return each.parent === pid ? [each.own] : [];
        } catch {
          return []; // it has ended meanwhile
        }
      });
    return tickMs * living.reduce((sum, own) => sum + own, server.own + server.ofEnded);
  } catch {
    return NaN;
  }
}

function ticksOf(pid: number): { parent: number; own: number; ofEnded: number } {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name before may have spaces.
  const fields = text
    .slice(text.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  return {
    parent: fields[1]!,
    own: fields[11]! + fields[12]!,
    ofEnded: fields[13]! + fields[14]!,
  };
}
