import { systemError } from "../base/error.ts";

/**
 * The number, when it lies within its bounds, both included.
 *
 * @throws TrunklineError INVALID_ARGUMENT that names the option and its bounds.
 */
export function bounded(option: string, value: number, min: number, max: number): number {
  if (value >= min && value <= max) return value;
  throw systemError("INVALID_ARGUMENT", `${option} is ${value}`, {
    executed: "no",
    advice: `give a number from ${min} to ${max}`,
  });
}

/** As `bounded`, for whole numbers only. */
export function boundedWhole(option: string, value: number, min: number, max: number): number {
  if (Number.isInteger(bounded(option, value, min, max))) return value;
  throw systemError("INVALID_ARGUMENT", `${option} is ${value}`, {
    executed: "no",
    advice: "give a whole number",
  });
}
