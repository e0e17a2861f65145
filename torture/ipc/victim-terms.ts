import type { Connection } from "../../src/transport/transport.ts";
import type { Point } from "./points.ts";

/** What a victim is told. */
export interface VictimTerms {
  readonly victim: number;
  readonly seed: number;
  /** It dials the survivor, or listens for it. */
  readonly dials: boolean;
  readonly folder: string;
  /** The name of the socket file: of the survivor, or its own. */
  readonly socket: string;
  readonly journal: string;
  /** Undefined: it is killed from outside. */
  readonly point: Point | undefined;
  /** The how many-th time it comes there. */
  readonly nth: number;
  readonly deed: "kill" | "stop";
}

/** Connections of a victim. */
export const connectionsOf = 2;

export function addressOf({ folder, socket }: Pick<VictimTerms, "folder" | "socket">): string {
  return `unix:${folder}/${socket}.sock`;
}

/** Moves a connection at once, or when frames are under way already. */
export function moveSoon({ moves }: Connection, random: () => number): void {
  const begin = (): void => moves!.heard(moves!.offer!);
  if (random() < 0.5) begin();
  else setTimeout(begin, Math.floor(random() * 10));
}
