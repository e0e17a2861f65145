import type { Finding } from "./finding.ts";

/** Which part of a semantic version has to grow, or has. `none`: nothing. */
export type Bump = "none" | "patch" | "minor" | "major";

const ranks: Readonly<Record<Bump, number>> = { none: 0, patch: 1, minor: 2, major: 3 };

/**
 * What the version has to say about the findings: major where an old client could not go on with a new server, or where that
 * cannot be told; minor where a new client could not with an old server; patch for the rest.
 */
function advised(findings: readonly Finding[]): Bump {
  if (findings.length === 0) return "none";
  if (findings.some((each) => each.oldClientNewServer !== "ok")) return "major";
  return findings.some((each) => each.newClientOldServer !== "ok") ? "minor" : "patch";
}

/** What has grown from one version to the other; `undefined`: the new one is lower. */
function bumped(from: string, to: string): Bump | undefined {
  const [old, now] = [from, to].map((version) => version.split(/[.+-]/).slice(0, 3).map(Number));
  for (const [index, bump] of (["major", "minor", "patch"] as const).entries()) {
    const [was, is] = [old![index] ?? 0, now![index] ?? 0];
    if (is > was) return bump;
    if (is < was) return undefined;
  }
  return "none";
}

/** What the findings ask of the version, and whether it says that. */
export interface Judgement {
  /** What the version should say. */
  readonly advised: Bump;
  /** What it says; absent: it went down. */
  readonly declared?: Bump;
  /** It says enough. */
  readonly agrees: boolean;
}

export function judged(findings: readonly Finding[], from: string, to: string): Judgement {
  const [needed, declared] = [advised(findings), bumped(from, to)];
  if (declared === undefined) return { advised: needed, agrees: false };
  return { advised: needed, declared, agrees: ranks[declared] >= ranks[needed] };
}
