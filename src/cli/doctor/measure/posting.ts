import { chassis, type Chassis } from "../../../chassis/chassis.ts";
import { client } from "../../../chassis/client.ts";
import { on } from "../../../messaging/on.ts";
import { News, Posts } from "./contract.ts";

/** To whom a message goes: to one of those who consume, or to all who listen. */
export type Audience = "one" | "all";

type Send = (data: Uint8Array) => Promise<unknown>;

/** What one side of a broker does with what has come from the other. */
export type Came = (data: Uint8Array, send: Send) => unknown;

export interface Posting extends Pick<Chassis, "stop" | "stopped"> {
  /** Sends to the other side; resolves when the broker says that it has it. */
  readonly send: Send;
}

/**
 * Takes part in the messages of a broker and resolves with what sends one to the other side. Who is `first` sends by one channel and hears
 * by the other; who is second the other way round.
 */
export async function posting(
  messages: string,
  audience: Audience,
  first: boolean,
  came: Came,
): Promise<Posting> {
  const sender = client(audience === "one" ? Posts : News, "memory:doctor", {
    messages,
    checkSent: false,
  });
  const send: Send = first ? (data) => sender.there(data) : (data) => sender.back(data);
  const handler = async (data: Uint8Array): Promise<void> => void (await came(data, send));
  const heard = first ? "back" : "there";
  const app = await chassis({
    name: first ? "doctor-asker" : "doctor-side",
    messages,
    serve: [
      audience === "one"
        ? on(Posts[heard], {}, handler)
        : on(News[heard], { group: false }, handler),
    ],
    checkSent: false,
    signals: false,
  });
  return { send, stop: () => app.stop(), stopped: app.stopped };
}
