import type { Running } from "./running.ts";

/** A server of databases of a test file's own, with one database for each test. */
export interface OwnDatabases extends AsyncDisposable {
  readonly server: Running;
  readonly port: number;
  /** Makes an empty database; gives its address, as an administrator. */
  fresh(): Promise<string>;
  /** Runs SQL by the command line client as an administrator; gives what it printed, bare. */
  run(sql: string, database?: string): Promise<string>;
}

/** What a test of crashes needs, and others can do without. */
export interface DatabaseTerms {
  /** What is committed is on the disk, whatever happens to the machine. Default true; false is quicker, and survives a kill of the server. */
  readonly fsync?: boolean;
  /** More settings of the server, by their own names. */
  readonly settings?: Readonly<Record<string, string | number>>;
}

/** Names of databases that nobody has yet. */
export function names(): () => string {
  let made = 0;
  return () => `test_${++made}`;
}
