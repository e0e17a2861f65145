import { operationName } from "../../../../schema/foreign/names.ts";
import { textIn, type Fields } from "../../../../schema/foreign/source.ts";

/** `actions/list-jobs` → `actionsListJobs`; without an id `GET /pets/{petId}` → `getPetsByPetId`. */
export function memberName(
  { operationId, "x-trunkline": own }: Fields,
  method: string,
  path: string,
  taken: ReadonlySet<string>,
): string {
  const told = typeof own === "object" && own !== null ? (own as Fields)["operation"] : undefined;
  const wishes = [textIn(told), textIn(operationId), `${method} ${path.replaceAll("{", "by-")}`];
  return operationName(wishes, method, taken);
}

/**
 * Answers that a service gives because of what was asked, by status. Others (401, 403, 429, 5xx, …) mean the same everywhere: the
 * client has codes for them, and knows of some that the request was not applied.
 */
export const errorCodes: Readonly<Record<string, string>> = {
  400: "BAD_REQUEST",
  402: "PAYMENT_REQUIRED",
  404: "NOT_FOUND",
  409: "CONFLICT",
  410: "GONE",
  412: "PRECONDITION_FAILED",
  422: "UNPROCESSABLE_CONTENT",
  423: "LOCKED",
  424: "FAILED_DEPENDENCY",
};
