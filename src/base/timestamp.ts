/** An instant of the wall clock (milliseconds since 1970) as RFC 3339 writes it, in UTC: `2026-11-28T15:45:38.000Z`. */
export function timestamp(wallMs: number): string {
  return new Date(wallMs).toISOString();
}

/** An instant of the wall clock (milliseconds since 1970) as a Date; one that a Date cannot say becomes the last that it can. */
export function instant(wallMs: number): Date {
  return new Date(Math.min(wallMs, 8.64e15));
}
