/** Turns values into bytes and back. One object for the whole process, chosen per operation at start-up. */
export interface Codec {
  /** What travels in a request's metadata. */
  readonly id: number;
  /** What travels in SETUP and stands in descriptions. */
  readonly name: string;
  /**
   * The value as text (written as UTF-8) or bytes. May call code of the user (`toJSON`), so it runs before any memory is
   * claimed. Throws when the value cannot be written; the caller says what that means.
   */
  encode(value: unknown): string | Uint8Array;
  /** Reads bytes `from` to `to` of borrowed memory. Throws when they are not what the codec writes. */
  decode(memory: Buffer, from: number, to: number): unknown;
}
