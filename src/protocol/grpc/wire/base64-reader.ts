/** Reads base64 that comes in pieces, each of which may end with padding of its own (gRPC-Web as text). */
export class Base64Reader {
  #rest = "";

  /** The bytes that are whole by now; undefined when it is no base64. */
  push(chunk: Buffer): Buffer | undefined {
    const text = this.#rest + chunk.toString("latin1");
    const whole = text.length - (text.length % 4);
    this.#rest = text.slice(whole);
    const quads = text.slice(0, whole);
    if (!quads.includes("=")) return decoded(quads);
    const segments = quads.match(/[^=]+=*/g);
    if (segments === null || quads.startsWith("=")) return undefined;
    const parts: Buffer[] = [];
    for (const segment of segments) {
      const part = decoded(segment);
      if (part === undefined) return undefined;
      parts.push(part);
    }
    return Buffer.concat(parts);
  }

  /** Something is missing. */
  get unfinished(): boolean {
    return this.#rest !== "";
  }
}

function decoded(text: string): Buffer | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  return Buffer.from(text, "base64");
}
