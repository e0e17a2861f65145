/** One step of the tables of Trunkline, a file of plain SQL. */
export interface Migration {
  /** `0001-outbox`: the name of its file. */
  readonly name: string;
  readonly sql: string;
  /** When it was run here, in milliseconds since 1970. Undefined: it was not. */
  readonly ranAt: number | undefined;
}
