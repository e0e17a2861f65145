/**
 * How often a message takes effect at its consumer. `at-most-once`: it may be lost, and never comes twice. `at-least-once`:
 * it is never lost, and may come twice. `exactly-once`: processed once, whatever crashes; few channels can keep that.
 */
export type Guarantee = "at-most-once" | "at-least-once" | "exactly-once";
