/** The units of `grpc-timeout` in milliseconds. */
const units = { n: 1e-6, u: 1e-3, m: 1, S: 1_000, M: 60_000, H: 3_600_000 } as const;

/** The most that eight digits say. */
const numberMax = 99_999_999;

/** Reads `grpc-timeout` into milliseconds; undefined when it is not one. Read for every call, so without a pattern. */
export function readTimeout(text: string): number | undefined {
  const digits = text.length - 1;
  if (digits < 1 || digits > 8) return undefined;
  let number = 0;
  for (let at = 0; at < digits; at++) {
    const digit = text.charCodeAt(at) - zero;
    if (digit < 0 || digit > 9) return undefined;
    number = number * 10 + digit;
  }
  const unit = units[text[digits] as keyof typeof units] as number | undefined;
  return unit === undefined ? undefined : number * unit;
}

const zero = "0".charCodeAt(0);

/** Writes a time in milliseconds as `grpc-timeout`, rounded up: in the finest unit from milliseconds on that eight digits hold. */
export function writeTimeout(ms: number): string {
  const whole = Math.max(1, Math.ceil(ms));
  if (whole <= numberMax) return `${whole}m`;
  for (const unit of ["S", "M", "H"] as const) {
    const number = Math.ceil(ms / units[unit]);
    if (number <= numberMax) return `${number}${unit}`;
  }
  return `${numberMax}H`;
}

/** Reads `connect-timeout-ms`; undefined when it is not one. */
export function readTimeoutMs(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}
