/** What came of it. */
export interface TortureReport {
  readonly ok: boolean;
  readonly kills: number;
  /** Confirmed, and never seen again. */
  readonly lost: number;
  /** Seen again after they were done for good. */
  readonly doubled: number;
  /** Seen for the first time after a later one of their key. */
  readonly reordered: number;
  /** Still waiting at the end, although there was somebody to take them. */
  readonly stuck: number;
  /** What was asked of the broker, and got neither an answer nor an error in its time. */
  readonly hung: number;
  /** The same for people, and more. */
  readonly told: readonly string[];
}
