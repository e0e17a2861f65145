import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

/** What a name has: records of three types, or something that is wrong with it. */
export interface Zone {
  readonly a?: readonly string[];
  readonly aaaa?: readonly string[];
  readonly srv?: readonly {
    readonly target: string;
    readonly port: number;
    readonly priority?: number;
    readonly weight?: number;
  }[];
  readonly ttl?: number;
  /** Codes of answers (RFC 1035): 2 SERVFAIL, 3 NXDOMAIN; by type, or for all. */
  readonly rcode?: number | Readonly<Record<number, number>>;
  /** The answer is these bytes. */
  readonly garbage?: Buffer;
}

export const types = { a: 1, aaaa: 28, srv: 33 } as const;

/** A name server for tests, over UDP (RFC 1035): answers from what it is given, counts, and falls silent on demand. */
export class NameServer {
  readonly zones: Map<string, Zone> = new Map();
  readonly asked: { readonly name: string; readonly type: number }[] = [];
  silent = false;
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("message", (question, peer) => {
      if (this.silent) return;
      const answer = this.#answer(question);
      socket.send(answer, peer.port, peer.address);
    });
  }

  static async start(): Promise<NameServer> {
    const socket = createSocket("udp4");
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    return new NameServer(socket);
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await once(this.#socket, "close");
  }

  #answer(question: Buffer): Buffer {
    const labels: string[] = [];
    let at = 12;
    for (let length = question[at]!; length > 0; length = question[at]!) {
      labels.push(question.toString("latin1", at + 1, at + 1 + length));
      at += length + 1;
    }
    const name = labels.join(".").toLowerCase();
    const type = question.readUInt16BE(at + 1);
    const asked = question.subarray(12, at + 5);
    this.asked.push({ name, type });
    const zone = this.zones.get(name);
    if (zone?.garbage !== undefined) return zone.garbage;
    const rcode =
      zone === undefined
        ? 3
        : typeof zone.rcode === "object"
          ? (zone.rcode[type] ?? 0)
          : (zone.rcode ?? 0);
    const records = rcode === 0 ? recordsOf(zone!, type) : [];
    const head = Buffer.alloc(12);
    question.copy(head, 0, 0, 2);
    head.writeUInt16BE(0x8580 | rcode, 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(records.length, 6);
    return Buffer.concat([
      head,
      asked,
      ...records.map((data) => record(type, zone!.ttl ?? 0, data)),
    ]);
  }
}

function recordsOf({ a = [], aaaa = [], srv = [] }: Zone, type: number): Buffer[] {
  if (type === types.a) return a.map((ip) => Buffer.from(ip.split(".").map(Number)));
  // Written in full: eight groups.
  if (type === types.aaaa)
    return aaaa.map((ip) =>
      Buffer.from(
        ip
          .split(":")
          .map((each) => each.padStart(4, "0"))
          .join(""),
        "hex",
      ),
    );
  if (type !== types.srv) return [];
  return srv.map(({ target, port, priority = 0, weight = 0 }) => {
    const numbers = Buffer.alloc(6);
    for (const [index, value] of [priority, weight, port].entries())
      numbers.writeUInt16BE(value, index * 2);
    return Buffer.concat([numbers, nameOf(target)]);
  });
}

function nameOf(name: string): Buffer {
  const labels = name.split(".").filter((label) => label !== "");
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)])),
    Buffer.of(0),
  ]);
}

function record(type: number, ttl: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0); // the name of the question
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(ttl, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}
