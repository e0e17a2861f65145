/** An instant as HTTP writes it (RFC 9110, 5.6.7), from milliseconds since 1970: `Sun, 06 Nov 1994 08:49:37 GMT`. */
export function httpDate(wallMs: number): string {
  return new Date(wallMs).toUTCString();
}
