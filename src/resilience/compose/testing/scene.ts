import assert from "node:assert/strict";
import { isTrunklineError, systemError, type TrunklineError } from "../../../base/error.ts";
import { VirtualEnv } from "../../../base/virtual-env.ts";
import { composeWith, type ComposeOptions, type Composed } from "../compose.ts";
import type { Stage } from "../stage.ts";

/** A composition in virtual time. */
export function scene<const S extends readonly Stage<unknown, never>[]>(
  stages: S,
  options: ComposeOptions = {},
): { env: VirtualEnv; composed: Composed<S> } {
  const env = new VirtualEnv();
  return { env, composed: composeWith({ ...options, env }, ...stages) };
}

export async function failureOf(work: Promise<unknown>): Promise<TrunklineError> {
  const failure = await work.then(
    () => assert.fail("it should have failed"),
    (reason: unknown) => reason,
  );
  assert.ok(isTrunklineError(failure), String(failure));
  return failure;
}

/** Fails so often, then answers with the number of the call. */
export function failing(times: number): { calls: number; work: () => Promise<number> } {
  const flaky = {
    calls: 0,
    work: async () => {
      if (++flaky.calls <= times) throw new Error(`failure ${flaky.calls}`);
      return flaky.calls;
    },
  };
  return flaky;
}

export const overloaded = (): TrunklineError =>
  systemError("RESOURCE_EXHAUSTED", "too much to do", { executed: "no", endpointFault: true });
