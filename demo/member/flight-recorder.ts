import { subscribe } from "node:diagnostics_channel";
import type { CallEvent } from "trunkline";
import type { Span } from "../contracts/recorder.ts";

/** So many ends of requests are remembered, the latest: a second of the busiest process, and a few megabytes. */
const eventsMax = 16_384;

interface Recorded {
  readonly event: CallEvent;
  readonly endedAt: number;
}

/** Remembers which requests this process has lately made and served, as the recorder of an aircraft does. */
export class FlightRecorder {
  readonly #name: string;
  readonly #ring: Recorded[] = [];
  #next = 0;

  constructor(name: string) {
    this.#name = name;
    const ended = (event: unknown): void => this.#record(event as CallEvent);
    subscribe("trunkline:call", ended);
    subscribe("trunkline:stream", ended);
  }

  /** What is remembered of a trace. */
  spans(trace: string): Span[] {
    return this.#ring
      .filter(({ event }) => event.traceparent.split("-")[1] === trace)
      .map((recorded) => this.#span(recorded));
  }

  #record(event: CallEvent): void {
    this.#ring[this.#next] = { event, endedAt: performance.timeOrigin + performance.now() };
    this.#next = (this.#next + 1) % eventsMax;
  }

  #span({ event, endedAt }: Recorded): Span {
    const { side, traceparent, parent, operation, kind, endpoint, durationMs } = event;
    return {
      process: this.#name,
      side,
      id: spanId(traceparent),
      ...(parent === undefined ? {} : { parent: spanId(parent) }),
      operation,
      kind: kind as Span["kind"],
      over: endpoint.slice(0, endpoint.indexOf(":")),
      endedAt,
      us: Math.round(durationMs * 1_000),
    };
  }
}

/** The third field of a `traceparent`. */
function spanId(traceparent: string): string {
  return traceparent.split("-")[2]!;
}
