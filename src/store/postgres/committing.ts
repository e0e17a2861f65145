import type { PoolClient } from "pg";
import type { SqlResult, SqlValue } from "../sql/driver.ts";

/** What of the connection of `pg` its own cursors use too; the types that it has leave most of it out. */
interface Wire {
  readonly stream: { cork(): void; uncork(): void };
  /** Statements that are known by name on this connection. */
  readonly parsedStatements: Record<string, string>;
  readonly submittedNamedStatements?: Record<string, string>;
  parse(statement: { name: string; text: string; types: readonly number[] }): void;
  bind(portal: {
    portal: string;
    statement: string;
    values: readonly unknown[];
    binary: boolean;
    valueMapper: (value: unknown) => unknown;
  }): void;
  execute(portal: { portal: string; rows: number }): void;
  sync(): void;
}

interface Completed {
  readonly text: string;
}

/** What is known of a transaction's end by the tag that the server puts on it. */
const committedTag = "COMMIT";

/**
 * A statement and the COMMIT behind it, written at once: extended queries up to one Sync, of which the server leaves out what
 * follows a failure. So COMMIT is not reached when the statement fails. A query as `pg` lets others make them.
 */
class Committing {
  readonly #text: string;
  readonly #values: readonly (string | Buffer | null)[];
  readonly #name: string;
  readonly #settled = Promise.withResolvers<SqlResult>();
  #changes: number | undefined;
  #wire: Wire | undefined;
  #failure: unknown;
  /** Called at the end by those who watch over a client; `pg` puts its own timeout there. */
  callback: (error: unknown) => void = () => {};

  constructor(text: string, values: readonly SqlValue[], name: string) {
    this.#text = text;
    this.#values = values.map(onWire);
    this.#name = name;
  }

  get settled(): Promise<SqlResult> {
    return this.#settled.promise;
  }

  submit(wire: Wire): void {
    this.#wire = wire;
    wire.stream.cork();
    try {
      this.#write(wire, this.#name, this.#text, this.#values);
      this.#write(wire, "", "COMMIT", []);
      wire.sync();
    } finally {
      wire.stream.uncork();
    }
  }

  #write(wire: Wire, name: string, text: string, values: readonly SqlValue[]): void {
    if (name === "" || wire.parsedStatements[name] !== text) wire.parse({ name, text, types: [] });
    wire.bind({ portal: "", statement: name, values, binary: false, valueMapper: asIs });
    wire.execute({ portal: "", rows: 0 });
  }

  handleCommandComplete({ text }: Completed): void {
    if (this.#changes === undefined) {
      this.#changes = Number(/(\d+)$/.exec(text)?.[1] ?? 0);
      if (this.#name !== "") this.#wire!.parsedStatements[this.#name] = this.#text;
    } else if (text !== committedTag) this.#failure ??= new Error(`${text} instead of a commit`);
  }

  handleError(error: unknown): void {
    this.#failure ??= error;
    // A lost connection brings no end of its own.
    this.#end();
  }

  handleReadyForQuery(): void {
    this.#end();
  }

  #end(): void {
    if (this.#failure === undefined) this.#settled.resolve({ rows: [], changes: this.#changes! });
    else this.#settled.reject(this.#failure);
    this.callback(this.#failure ?? null);
  }

  // Nothing is asked for that has rows.
  handleRowDescription(): void {}
  handleDataRow(): void {}
  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}
}

/** Values are ready for the wire when they come here. */
function asIs(value: unknown): unknown {
  return value;
}

/** Text and bytes go as they are, everything else as its text. */
function onWire(value: SqlValue): string | Buffer | null {
  if (value === null || typeof value === "string") return value;
  if (typeof value !== "object") return String(value);
  return Buffer.isBuffer(value)
    ? value
    : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

/**
 * Runs a statement and commits, in one round trip. Rejects with what the server says; then nothing is committed, and the transaction has
 * to be rolled back, unless the connection was lost meanwhile.
 */
export async function commitWith(
  client: PoolClient,
  text: string,
  values: readonly SqlValue[],
  name: string,
): Promise<SqlResult> {
  const { pipeline = false } = client as { readonly pipeline?: boolean };
  if (!pipeline) {
    const committing = new Committing(text, values, name);
    void client.query(committing as unknown as Parameters<PoolClient["query"]>[0]);
    return committing.settled;
  }
  // It takes no queries of others' making, and waits for none: COMMIT of a transaction that has failed rolls it back.
  const query = name === "" ? { text, values: [...values] } : { name, text, values: [...values] };
  const [written, ended] = await Promise.allSettled([client.query(query), client.query("COMMIT")]);
  if (written.status === "rejected") throw written.reason;
  if (ended.status === "rejected") throw ended.reason;
  return { rows: [], changes: written.value.rowCount ?? 0 };
}
