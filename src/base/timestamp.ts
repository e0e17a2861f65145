/** An instant of the wall clock (milliseconds since 1970) as RFC 3339 writes it, in UTC: `2026-11-28T15:45:38.000Z`. */
export function timestamp(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
