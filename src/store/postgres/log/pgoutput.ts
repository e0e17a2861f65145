/** What a log says, as far as it concerns an outbox. */
export interface LogEar {
  /** A row was inserted by the transaction that comes next. */
  inserted(row: LoggedRow): void;
  /** It was committed, and the log goes on behind `end`. */
  committed(end: bigint): void;
  /** Somebody has written a message into the log, outside of any transaction. */
  said(prefix: string, content: string): void;
}

export interface LoggedRow {
  readonly seq: number;
  readonly lane: number;
}

interface Relation {
  readonly seqAt: number;
  readonly laneAt: number;
}

/**
 * Reads messages of pgoutput, version 1 (https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html). It wants
 * two columns of one table; all else is passed over, so that a publication of other tables or columns does no harm.
 */
export class PgOutput {
  readonly #ear: LogEar;
  readonly #table: string;
  readonly #relations = new Map<number, Relation | undefined>();

  constructor(table: string, ear: LogEar) {
    this.#table = table;
    this.#ear = ear;
  }

  read(bytes: Buffer): void {
    switch (String.fromCharCode(bytes[0]!)) {
      case "R":
        return this.#relation(bytes);
      case "I":
        return this.#insert(bytes);
      case "C":
        // Its kind, flags, and where the commit begins; then where it ends.
        return this.#ear.committed(bytes.readBigUInt64BE(10));
      case "M":
        return this.#message(bytes);
      default: // Begin, Origin, Type: nothing to know
    }
  }

  #relation(bytes: Buffer): void {
    const id = bytes.readUInt32BE(1);
    const [, afterSchema] = textAt(bytes, 5);
    const [name, afterName] = textAt(bytes, afterSchema);
    const columns: string[] = [];
    let at = afterName + 3; // how rows are identified, and the number of columns
    for (let left = bytes.readUInt16BE(afterName + 1); left > 0; left--) {
      const [column, end] = textAt(bytes, at + 1);
      columns.push(column);
      at = end + 8; // its type and modifier
    }
    const wanted = { seqAt: columns.indexOf("seq"), laneAt: columns.indexOf("lane") };
    const ours = name === this.#table && wanted.seqAt >= 0 && wanted.laneAt >= 0;
    this.#relations.set(id, ours ? wanted : undefined);
  }

  #insert(bytes: Buffer): void {
    const relation = this.#relations.get(bytes.readUInt32BE(1));
    if (relation === undefined) return;
    const count = bytes.readUInt16BE(6);
    let at = 8;
    let seq = Number.NaN;
    let lane = Number.NaN;
    for (let column = 0; column < count; column++) {
      const kind = bytes[at++];
      if (kind !== 0x74 && kind !== 0x62) continue; // null, or not repeated here
      const length = bytes.readUInt32BE(at);
      at += 4;
      if (column === relation.seqAt) seq = Number(bytes.toString("latin1", at, at + length));
      if (column === relation.laneAt) lane = Number(bytes.toString("latin1", at, at + length));
      at += length;
    }
    this.#ear.inserted({ seq, lane });
  }

  #message(bytes: Buffer): void {
    // Its kind, flags, and where it is.
    const [prefix, end] = textAt(bytes, 10);
    const length = bytes.readUInt32BE(end);
    this.#ear.said(prefix, bytes.toString("utf8", end + 4, end + 4 + length));
  }
}

/** A text that ends with a zero, and where the next thing begins. */
function textAt(bytes: Buffer, at: number): [string, number] {
  const end = bytes.indexOf(0, at);
  return [bytes.toString("utf8", at, end), end + 1];
}
