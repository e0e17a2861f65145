import { systemError, type TrunklineError } from "../../../base/error.ts";
import { Flag, FrameType } from "../../../wire/frame-type.ts";
import type { FrameView } from "../../../wire/frame-view.ts";
import type { Attempt } from "../../attempt.ts";
import type { Codecs, Operation } from "../../operation.ts";
import type { Completion } from "../../completion.ts";
import { excess, Request, type RequestHome } from "./request.ts";

/** A call that waits for its one answer. */
export class PendingCall extends Request {
  readonly type: number = FrameType.REQUEST_RESPONSE;
  readonly credit: number = 0;
  readonly #completion: Completion;

  constructor(
    home: RequestHome,
    operation: Operation,
    attempt: Attempt,
    input: unknown,
    itemBytesMax: number,
    completion: Completion,
  ) {
    super(home, operation, attempt, input, itemBytesMax);
    this.#completion = completion;
  }

  payload(memory: Buffer, view: FrameView): void {
    let value: unknown;
    if ((view.flags & Flag.NEXT) !== 0) {
      try {
        value = this.codecs.output.decode(memory, view.dataFrom, view.dataTo);
      } catch (cause) {
        this.fail(unreadable(this.codecs, "answer", cause));
        return;
      }
    }
    this.finish();
    this.#completion.answered(value);
  }

  /** The handler has answered, so it ran. */
  tooLarge(reason: string): void {
    this.abandon(excess(`the answer ${reason}`, "yes"));
  }

  protected reject(error: TrunklineError): void {
    this.#completion.failed(error);
  }
}

/** What came back is not what the codec writes: the handler ran, its answer is lost. */
export function unreadable(
  { output }: Codecs,
  what: "answer" | "item",
  cause: unknown,
): TrunklineError {
  const told = cause instanceof Error ? cause.message : String(cause);
  const reason = `the ${what} cannot be read as ${output.name}: ${told}`;
  return systemError("INTERNAL", reason, { executed: "yes", cause });
}
