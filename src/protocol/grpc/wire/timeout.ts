/** The units of `grpc-timeout` in milliseconds. */
const units: Readonly<Record<string, number>> = {
  n: 1e-6,
  u: 1e-3,
  m: 1,
  S: 1_000,
  M: 60_000,
  H: 3_600_000,
};

/** The most that eight digits say. */
const numberMax = 99_999_999;

/** Reads `grpc-timeout` into milliseconds; undefined when it is not one. */
export function readTimeout(text: string): number | undefined {
  const unit = units[text.at(-1) ?? ""];
  if (unit === undefined || !/^\d{1,8}$/.test(text.slice(0, -1))) return undefined;
  return Number(text.slice(0, -1)) * unit;
}

/** Writes a time in milliseconds as `grpc-timeout`, rounded up: in the finest unit from milliseconds on that eight digits hold. */
export function writeTimeout(ms: number): string {
  const whole = Math.max(1, Math.ceil(ms));
  if (whole <= numberMax) return `${whole}m`;
  for (const unit of ["S", "M", "H"]) {
    const number = Math.ceil(ms / units[unit]!);
    if (number <= numberMax) return `${number}${unit}`;
  }
  return `${numberMax}H`;
}

/** Reads `connect-timeout-ms`; undefined when it is not one. */
export function readTimeoutMs(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}
