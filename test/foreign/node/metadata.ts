import {
  decodeAuthMetadata,
  decodeCompositeMetadata,
  decodeRoutes,
  encodeCompositeMetadata,
  encodeRoute,
  MESSAGE_RSOCKET_AUTHENTICATION,
  MESSAGE_RSOCKET_ROUTING,
  type Payload,
} from "rsocket-core";

/** What a request says of itself, as rsocket-core reads it. */
export interface Said {
  readonly route: string;
  readonly authentication: string | undefined;
  /** The types of all entries, in their order. */
  readonly mimes: readonly (string | undefined)[];
}

export function read({ metadata }: Payload): Said {
  let route = "";
  let authentication: string | undefined;
  const mimes: (string | undefined)[] = [];
  for (const { mimeType, content } of decodeCompositeMetadata(metadata ?? Buffer.alloc(0))) {
    mimes.push(mimeType);
    if (mimeType === MESSAGE_RSOCKET_ROUTING.string) [route = ""] = decodeRoutes(content);
    if (mimeType === MESSAGE_RSOCKET_AUTHENTICATION.string) {
      const { type, payload } = decodeAuthMetadata(content);
      authentication = `${type.string} ${payload.toString("latin1")}`;
    }
  }
  return { route, authentication, mimes };
}

/** A request for `route`, with further entries. */
export function request(
  route: string,
  input: unknown,
  entries: readonly (readonly [mime: unknown, content: Buffer])[] = [],
): Payload {
  return {
    data: Buffer.from(JSON.stringify(input)),
    metadata: encodeCompositeMetadata([[MESSAGE_RSOCKET_ROUTING, encodeRoute(route)], ...entries]),
  };
}

export function carrying(output: unknown): Payload {
  return { data: Buffer.from(JSON.stringify(output)) };
}

export function value({ data }: Payload): unknown {
  return data === null || data === undefined ? undefined : JSON.parse(data.toString());
}
