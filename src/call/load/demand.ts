import { isStreaming } from "../../contract/kinds.ts";
import type { Operation } from "../../protocol/operation.ts";
import { UsualTime } from "../../resilience/gradient-limit.ts";
import type { Priority } from "./admission-options.ts";

/** What the requests of one operation ask of a server. */
export class Demand {
  /** It lasts as long as its items come. */
  readonly lasting: boolean;
  readonly priority: Priority;
  /** How long its handler takes. */
  readonly usual: UsualTime = new UsualTime();

  constructor({ kind }: Pick<Operation, "kind">, priority: Priority) {
    this.lasting = isStreaming(kind);
    this.priority = priority;
  }
}
