import { textIn, type Fields, type Source } from "./source.ts";

/** Names are as long as a contract allows. */
const nameCharsMax = 100;

const refusedNames: ReadonlySet<string> = new Set(["then", "constructor", "toJSON"]);

/** `actions/list-jobs` → `actionsListJobs`; without an id `GET /pets/{petId}` → `getPetsByPetId`. */
export function memberName(
  { operationId, "x-trunkline": own }: Fields,
  method: string,
  path: string,
  taken: ReadonlySet<string>,
): string {
  const told = typeof own === "object" && own !== null ? (own as Fields)["operation"] : undefined;
  const wishes = [textIn(told), textIn(operationId), `${method} ${path.replaceAll("{", "by-")}`];
  const names = wishes.flatMap((wish) => (wish === undefined ? [] : [camel(wish)]));
  const wish = names.find((name) => name !== "") ?? method;
  let name = refusedNames.has(wish) ? `${wish}It` : wish;
  for (let count = 2; taken.has(name); count++) name = `${wish.slice(0, nameCharsMax - 5)}${count}`;
  return name;
}

function camel(text: string): string {
  const words = text.match(/[A-Za-z0-9]+/g) ?? [];
  const joined = words
    .map((word, index) => (index === 0 ? word : word[0]!.toUpperCase() + word.slice(1)))
    .join("")
    .replace(/^[0-9]+/, "");
  // `GETPet` and `ID` begin small, as far as they are one word.
  const small = joined.replace(/^[A-Z]+(?![a-z])|^[A-Z]/, (start) => start.toLowerCase());
  return small.slice(0, nameCharsMax);
}

/** `Swagger Petstore - OpenAPI 3.0` → `swagger-petstore-openapi-3-0`. */
export function contractName(title: string | undefined): string {
  const name = (title ?? "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+/, "")
    .slice(0, nameCharsMax)
    .replace(/-+$/, "");
  return name === "" ? "api" : name;
}

/** What a document calls its version, as a semantic one. */
export function contractVersion(source: Source, told: unknown): string {
  const text = typeof told === "string" ? told.slice(0, 50) : "";
  const match = /^v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?/.exec(text);
  if (match === null) {
    source.warn("info.version", `${JSON.stringify(text)} is no version; the contract has 1.0.0`);
    return "1.0.0";
  }
  const [, major = "1", minor = "0", patch = "0"] = match;
  return [major, minor, patch].map((part) => String(Number(part))).join(".");
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
