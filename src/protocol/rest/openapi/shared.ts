import type { JsonSchema } from "../../../base/contract-shape.ts";
import { systemCodes } from "../../../base/outcome.ts";

/** The schema of every failure, by the name under which it stands in a document. */
export const problem: Readonly<Record<"Problem", JsonSchema>> = {
  Problem: {
    type: "object",
    description: "What went wrong, as RFC 9457 has it.",
    properties: {
      type: { type: "string" },
      title: { type: "string" },
      status: { type: "integer" },
      detail: { type: "string", description: "What happened, for people." },
      code: {
        type: "string",
        description: `A code of the contract, or one of ${systemCodes.join(", ")}.`,
      },
      executed: {
        enum: ["no", "maybe", "yes"],
        description: "Whether the work was done. After no it is safe to try again.",
      },
      declared: { type: "boolean", description: "The contract names this code." },
      data: { description: "What the contract says of this code." },
      id: { type: "string", description: "Names the report that the server made of it." },
      advice: { type: "string", description: "What can be done about it." },
    },
    required: ["status", "code", "executed"],
  },
};

export const problemType = "application/problem+json";

const problemHeaders = {
  "trunkline-code": { $ref: "#/components/headers/Code" },
  "trunkline-executed": { $ref: "#/components/headers/Executed" },
  "Retry-After": { $ref: "#/components/headers/RetryAfter" },
};

/** Headers that say the same wherever they stand. */
export const headers: Readonly<Record<string, unknown>> = {
  Code: { description: "The code of the failure.", schema: { type: "string" } },
  Executed: {
    description: "Whether the work was done.",
    schema: { enum: ["no", "maybe", "yes"] },
  },
  RetryAfter: {
    description: "Seconds after which it may be tried again (429 and 503).",
    schema: { type: "integer", minimum: 0 },
  },
};

/** Headers of some answers. */
export const answerHeaders: Readonly<Record<"Location" | "ETag", unknown>> = {
  Location: { description: "Where what was made can be read.", schema: { type: "string" } },
  ETag: {
    description: "Names this state of it: send it as `If-None-Match` to hear 304 while it lasts.",
    schema: { type: "string" },
  },
};

/** What every operation may answer besides. */
export const answers: Readonly<Record<string, unknown>> = {
  Refused: {
    description:
      "The request was refused: it does not fit (400), is not allowed (401, 403), there is no such thing (404), or there is too much to do (429).",
    headers: problemHeaders,
    content: { [problemType]: { schema: { $ref: "#/components/schemas/Problem" } } },
  },
  Failed: {
    description: "It failed (500), cannot be asked now (503), or took too long (504).",
    headers: problemHeaders,
    content: { [problemType]: { schema: { $ref: "#/components/schemas/Problem" } } },
  },
};

/** The two that all have, where they have nothing more to say. */
export const otherAnswers: Readonly<Record<string, unknown>> = {
  "4XX": { $ref: "#/components/responses/Refused" },
  "5XX": { $ref: "#/components/responses/Failed" },
};
