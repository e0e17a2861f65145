/** Clients give whole numbers as numbers, as bigints and as text. */
export function numberOf(value: unknown): number {
  return Number(value);
}

export function textOrUndefined(value: unknown): string | undefined {
  return value === null || value === undefined ? undefined : (value as string);
}

/** Bytes as they came, not copied. */
export function bytesOf(value: unknown): Uint8Array {
  const bytes = value as Uint8Array;
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function bytesOrUndefined(value: unknown): Uint8Array | undefined {
  return value === null || value === undefined ? undefined : bytesOf(value);
}
