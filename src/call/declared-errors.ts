import { TrunklineError } from "../base/error.ts";
import type { Member } from "./compile.ts";

/** Which operation an error was made for: one that comes from elsewhere is not this operation's, whatever its code. */
const madeFor = new WeakMap<object, Member>();

/** `errors.NOT_FOUND(id)` and its kind, for the handlers of one operation. */
export function errorMakers(
  member: Member,
): Readonly<Record<string, (data: unknown) => TrunklineError>> {
  const { declared } = member;
  const makers: Record<string, (data: unknown) => TrunklineError> = {};
  for (const code of Object.keys(declared.errors)) {
    makers[code] = (data) => {
      const error = new TrunklineError(code, "an error that the contract declares", {
        executed: "yes",
        declared: true,
        data,
      });
      madeFor.set(error, member);
      return error;
    };
  }
  return Object.freeze(makers);
}

/** True for an error that the makers of this very operation made. */
export function isDeclaredBy(member: Member, error: unknown): error is TrunklineError {
  return typeof error === "object" && error !== null && madeFor.get(error) === member;
}
