import { seededRandom } from "../../src/base/random.ts";
import { channel, type Channel } from "../../src/broker/channel.ts";
import type { Outgoing } from "../../src/broker/broker.ts";
import type { Envelope } from "../../src/broker/envelope.ts";
import type { Point, Role } from "./points.ts";

/** What a victim is told. */
export interface VictimTerms {
  readonly victim: string;
  readonly role: Role;
  readonly seed: number;
  readonly address: string;
  /** Undefined: it is killed from outside. */
  readonly point: Point | undefined;
  readonly nth: number;
}

export const jobs: Channel = channel({ name: "jobs", shape: "queue", ordered: true });

/** The ring is small, so that it is full and begins anew all the time; the largest message takes a quarter of it. */
export const ringBytes = 16_384;
const dataBytesMax = 3_700;

/** The `n`-th message of a writer. Its data says what it is, and its size is often small and sometimes as large as may be. */
export function job(writer: string, n: number, random: () => number): Outgoing {
  const bytes = Math.floor(random() ** 4 * dataBytesMax);
  const id = `${writer}.${n}`;
  return {
    channel: jobs,
    envelope: {
      ...{ id, type: "job", source: "/torture", subject: writer, time: 0 },
      ...{ contentType: "text/plain", attributes: {} },
      data: dataOf(id, bytes),
    },
  };
}

function dataOf(id: string, bytes: number): Buffer {
  const random = seededRandom(bytes, id);
  return Buffer.from(
    `${id} ${bytes} ${String(random())
      .repeat(Math.ceil(bytes / 8))
      .slice(0, bytes)}`,
  );
}

/** Whether a message is what was written under its id. */
export function isWhole({ id, data }: Envelope): boolean {
  const [, bytes = ""] = Buffer.from(data).toString().split(" ", 2);
  return dataOf(id, Number(bytes)).equals(data);
}
