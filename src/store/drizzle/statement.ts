import type { SqlValue } from "../sql/driver.ts";

/** A statement in the eyes of Drizzle: what its `sql` template makes, without its library. */
export class Statement {
  readonly #sql: string;
  readonly #values: readonly SqlValue[];

  constructor(sql: string, values: readonly SqlValue[]) {
    this.#sql = sql;
    this.#values = values;
  }

  getSQL(): this {
    return this;
  }

  toQuery(): { sql: string; params: SqlValue[] } {
    return { sql: this.#sql, params: [...this.#values] };
  }
}
