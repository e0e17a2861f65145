import { once } from "node:events";
import {
  createServer,
  request,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import type { TestContext } from "node:test";

import { gateway, type Gateway } from "../gateway.ts";
import type { GatewayOptions, RouteOptions } from "../options.ts";

/** A service of somebody else, over plain HTTP; ends with the test. */
export async function website(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => closed(server));
  return originOf(server);
}

export function originOf(server: { address(): AddressInfo | string | null }): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function closed(server: Server): void {
  server.closeAllConnections();
  server.close();
}

/** An address where nobody listens. */
export async function nowhere(): Promise<string> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = originOf(server);
  server.close();
  await once(server, "close");
  return origin;
}

/** A gateway on HTTP with these routes; ends with the test. */
export async function edgeOf(
  t: TestContext,
  routes: readonly RouteOptions[],
  options: Partial<GatewayOptions> = {},
): Promise<{ edge: Gateway; origin: string }> {
  const edge = await gateway({ listen: "http://127.0.0.1:0", routes, signals: false, ...options });
  t.after(() => edge.stop({ force: true }));
  return { edge, origin: edge.addresses.find((each) => each.startsWith("http"))! };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

/** Asks as it is written, without what `fetch` would mend. */
export async function ask(
  origin: string,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  const { method = "GET", headers = {}, body } = options;
  const asked = request(origin, { path, method, headers, agent: false });
  asked.end(body);
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  let text = "";
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode!, headers: response.headers, text };
}

/** A bare connection. */
export async function dial(origin: string): Promise<Socket> {
  const { port } = new URL(origin);
  const socket = connect(Number(port), "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

export async function allOf(stream: AsyncIterable<unknown>): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  return text;
}
