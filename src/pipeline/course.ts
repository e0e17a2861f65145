import type { Attempt } from "../protocol/attempt.ts";
import type { Completion } from "../protocol/completion.ts";
import type { OutcomeKind } from "../resilience/outcome.ts";
import type { History } from "./history.ts";
import type { Job } from "./job.ts";
import type { Turn } from "./key-turns.ts";
import type { LateTry } from "./late-try.ts";
import type { Target, TargetPermit } from "./target.ts";
import type { Targets } from "./target-set.ts";
import type { OperationTerms } from "./terms.ts";

/** Who goes on when a try has ended. */
export interface CourseEnds {
  succeeded(course: Course, answer: unknown): void;
  goOn(course: Course, failure: unknown): Promise<void>;
}

/** One call on its way through its tries: it hears what comes of the one that is under way. No closure, no promise for each call. */
export class Course implements Completion {
  readonly job: Job;
  readonly attempt: Attempt;
  readonly terms: OperationTerms;
  readonly targets: Targets;
  /** Who hears what comes of all tries together. */
  readonly completion: Completion;
  readonly lane: string;
  /** The permit of the service's breaker. */
  readonly admitted: number;
  readonly startedAt: number;
  /** Its place among those of its key; undefined where there is no order to keep. */
  turn: Turn | undefined = undefined;
  /** What came of earlier tries; undefined during the first one. */
  history: History | undefined = undefined;
  /** What the last try came to, and when. */
  outcome: OutcomeKind = "local";
  overAt: number;

  // Of the try under way:
  target!: Target;
  permit: TargetPermit = 0;
  sent!: Attempt;
  sentAt = 0;
  late: LateTry | undefined = undefined;
  readonly #ends: CourseEnds;

  constructor(
    ends: CourseEnds,
    job: Job,
    attempt: Attempt,
    terms: OperationTerms,
    targets: Targets,
    completion: Completion,
    lane: string,
    admitted: number,
    startedAt: number,
  ) {
    this.#ends = ends;
    this.job = job;
    this.attempt = attempt;
    this.terms = terms;
    this.targets = targets;
    this.completion = completion;
    this.lane = lane;
    this.admitted = admitted;
    this.startedAt = startedAt;
    this.overAt = startedAt;
    this.sent = attempt;
    this.sentAt = startedAt;
  }

  answered(answer: unknown): void {
    this.#ends.succeeded(this, answer);
  }

  failed(failure: unknown): void {
    void this.#ends.goOn(this, failure);
  }
}
