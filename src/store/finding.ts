/** One thing that was looked at in a database. */
export interface Finding {
  /** A word that does not change: `dead-rows`, `oldest`. */
  readonly about: string;
  /** `warning`: it works, and will not for ever, or not well. */
  readonly state: "fine" | "warning" | "wrong";
  /** What was seen, with its numbers. */
  readonly seen: string;
  /** What it means and what to do, unless it is fine. */
  readonly advice?: string;
}
