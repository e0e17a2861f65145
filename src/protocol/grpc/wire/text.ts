/** What goes into `grpc-message`: printable ASCII but the percent sign, the other bytes of UTF-8 by `%` and two digits. */
export function percentEncode(text: string): string {
  if (/^[ -$&-~]*$/.test(text)) return text;
  let encoded = "";
  for (const byte of Buffer.from(text)) {
    const plain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += plain
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

/** Reads it; what is no escape stands for itself, and bytes that are no text become the replacement character. */
export function percentDecode(text: string): string {
  if (!text.includes("%")) return text;
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const escaped = /^%([0-9a-fA-F]{2})/.exec(text.slice(at, at + 3));
    if (escaped === null) bytes.push(...Buffer.from(text[at]!));
    else {
      bytes.push(Number.parseInt(escaped[1]!, 16));
      at += 2;
    }
  }
  return Buffer.from(bytes).toString("utf8");
}
