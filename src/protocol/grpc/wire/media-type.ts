/** What is spoken, and how messages are written in it. */
export interface Spoken {
  readonly dialect: "grpc" | "grpc-web" | "grpc-web-text" | "connect-stream" | "connect-unary";
  readonly format: "proto" | "json";
  /** With which an answer says the same. */
  readonly contentType: string;
}

const spoken: ReadonlyMap<string, Spoken> = new Map(
  (
    [
      ["application/grpc", "grpc", "proto"],
      ["application/grpc+proto", "grpc", "proto"],
      ["application/grpc+json", "grpc", "json"],
      ["application/grpc-web", "grpc-web", "proto"],
      ["application/grpc-web+proto", "grpc-web", "proto"],
      ["application/grpc-web+json", "grpc-web", "json"],
      ["application/grpc-web-text", "grpc-web-text", "proto"],
      ["application/grpc-web-text+proto", "grpc-web-text", "proto"],
      ["application/connect+proto", "connect-stream", "proto"],
      ["application/connect+json", "connect-stream", "json"],
      ["application/proto", "connect-unary", "proto"],
      ["application/json", "connect-unary", "json"],
    ] as const
  ).map(([contentType, dialect, format]) => [contentType, { dialect, format, contentType }]),
);

/** What a content type says is spoken; undefined when it is nothing of ours. */
export function spokenIn(contentType: string | undefined): Spoken | undefined {
  if (contentType === undefined) return undefined;
  const found = spoken.get(contentType);
  if (found !== undefined) return found;
  const [type, ...parameters] = contentType.toLowerCase().split(";");
  const charset = parameters.find((each) => each.trim().startsWith("charset="));
  if (charset !== undefined && !/charset="?utf-8"?/.test(charset)) return undefined;
  return spoken.get(type!.trim());
}

/** What a server answers to those who speak something else. */
export const spokenHere: string = [...spoken.keys()].join(", ");
