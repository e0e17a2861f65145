import { serve, type Service } from "../call/serve.ts";
import { call, type CallOperation } from "../contract/call.ts";
import { contract, type Contract } from "../contract/contract.ts";
import type { JsonSchema } from "../contract/json-schema.ts";
import { plainSchema } from "../contract/plain-schema.ts";
import type { Schema } from "../contract/schema.ts";
import { stream, type StreamOperation } from "../contract/stream.ts";
import type { HealthBoard } from "./health-board.ts";

/** Whose health is asked for. */
export interface HealthQuestion {
  /** `orders`, or `orders@2` for one major version of it. Absent: the whole process. */
  readonly contract?: string;
}

export interface HealthReport {
  readonly serving: boolean;
}

type Question = Schema<HealthQuestion>;
type Report = Schema<HealthReport>;
interface HealthErrors {
  readonly NOT_FOUND: Schema<string>;
}

const text: JsonSchema = { type: "string" };
const question: Question = plainSchema({ type: "object", properties: { contract: text } });
const report: Report = plainSchema({
  type: "object",
  properties: { serving: { type: "boolean" } },
  required: ["serving"],
});
const errors: HealthErrors = { NOT_FOUND: plainSchema<string>(text) };

/** Whether a process, or one contract of it, can be asked to work: for whoever routes, and whoever restarts. */
export const Health: Contract<
  "trunkline-health",
  {
    readonly check: CallOperation<Question, Report, HealthErrors>;
    readonly watch: StreamOperation<Question, Report, HealthErrors>;
  }
> = contract(
  "trunkline-health",
  { version: "1.0.0" },
  {
    check: call({
      in: question,
      out: report,
      errors,
      idempotent: true,
      description: "Whether it serves now.",
    }),
    watch: stream({
      in: question,
      out: report,
      errors,
      description:
        "Whether it serves now, and again whenever that changes; ends when the process stops.",
    }),
  },
);

/** NOT_FOUND: this process does not serve such a contract. */
export function serveHealth(board: HealthBoard): Service {
  return serve(Health, {
    check({ contract: name }, { errors: say }) {
      const serving = board.serving(name);
      if (serving === undefined) throw say.NOT_FOUND(name!);
      return { serving };
    },
    watch({ contract: name }, { errors: say, signal }) {
      if (board.serving(name) === undefined) throw say.NOT_FOUND(name!);
      return board.watch(name, signal);
    },
  });
}
