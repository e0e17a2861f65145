/** `waiting`: not yet found healthy. `out`: was registered, and is not any more. */
export type TargetState = "waiting" | "registered" | "draining" | "out";

/** What has become of a target, or of a source where `id` is its name and `what` is `problem`. */
export interface RegistrarEvent {
  readonly id: string;
  /** `lost`, `held`: its lease. `failed`: the registry did not take it; it is tried again. */
  readonly what: TargetState | "lost" | "held" | "failed" | "problem";
  readonly reason?: string;
}
