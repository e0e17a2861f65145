/**
 * Whether what is sent is checked against the contract too, when nobody says otherwise: yes, but in production, where the
 * receiver's check, which is never off, is enough.
 */
export function checkSentDefault(): boolean {
  return process.env["NODE_ENV"] !== "production";
}
