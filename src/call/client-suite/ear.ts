import {
  channels,
  type CallEvent,
  type ConnectionEvent,
  type RefusalEvent,
} from "../../base/diagnostics.ts";

/** What was told on the channels while a case ran. */
export class Ear {
  readonly calls: CallEvent[] = [];
  readonly streams: CallEvent[] = [];
  readonly connections: ConnectionEvent[] = [];
  readonly refusals: RefusalEvent[] = [];

  static async listen(hear: (ear: Ear) => Promise<void>): Promise<void> {
    const ear = new Ear();
    const into =
      <Event>(events: Event[]) =>
      (event: unknown): void =>
        void events.push(event as Event);
    const listening = [
      [channels.call, into(ear.calls)],
      [channels.stream, into(ear.streams)],
      [channels.connection, into(ear.connections)],
      [channels.refusal, into(ear.refusals)],
    ] as const;
    for (const [channel, listen] of listening) channel.subscribe(listen);
    try {
      await hear(ear);
    } finally {
      for (const [channel, listen] of listening) channel.unsubscribe(listen);
    }
  }
}
