import type { TrunklineError } from "../../../base/error.ts";
import { FrameType } from "../../../wire/frame-type.ts";
import type { Attempt } from "../../attempt.ts";
import type { Operation } from "../../operation.ts";
import { Request, type Carrier, type RequestHome } from "./request.ts";

/** A notification that waits for a connection; over as soon as its last frame is handed to one. */
export class PendingNotification extends Request {
  readonly type: number = FrameType.REQUEST_FNF;
  readonly credit: number = 0;
  readonly promise: Promise<void>;
  #resolve!: () => void;
  #reject!: (error: TrunklineError) => void;

  constructor(
    home: RequestHome,
    operation: Operation,
    attempt: Attempt,
    input: unknown,
    itemBytesMax: number,
  ) {
    super(home, operation, attempt, input, itemBytesMax);
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  override sent(session: Carrier, streamId: number): void {
    super.sent(session, streamId);
    if (!this.unsent) this.departed();
  }

  protected override departed(): void {
    super.departed();
    this.finish();
    this.#resolve();
  }

  override get takesPayloads(): boolean {
    return false;
  }

  /** The peer refused the connection without reading it: it is sent once more, though nobody waits for that. */
  unread(session: Carrier): void {
    if (!this.over || this.session !== session) return; // it had not left whole, and has moved already
    this.over = false;
    this.session = undefined;
    this.home.elsewhere(this);
  }

  payload(): void {}
  tooLarge(): void {}

  protected reject(error: TrunklineError): void {
    this.#reject(error);
  }
}
