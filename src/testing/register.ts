import { suite, test } from "node:test";

/** One sentence about the behaviour of an implementation, and its proof: what the suites are made of. */
export interface SuiteCase {
  readonly name: string;
  /** Rejects when the sentence does not hold. */
  run(): Promise<void>;
}

/** What is lost is waited for: after this long, in milliseconds, a case has failed. */
const watchdogMs = 60_000;

/** Registers the cases of a suite with `node:test`, under one name. For other runners take the cases as they are. */
export function register(name: string, cases: readonly SuiteCase[]): void {
  void suite(name, () => {
    for (const each of cases) void test(each.name, { timeout: watchdogMs }, () => each.run());
  });
}
