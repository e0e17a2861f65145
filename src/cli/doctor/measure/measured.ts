/** How long each of many took, in microseconds. */
export interface Distribution {
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
  readonly samples: number;
}

/** How many a second, and what one costs both sides together of the processor, in microseconds. */
export interface Rate {
  readonly perSecond: number;
  readonly cpuUsEach: number;
}

/** Calls of one size, so many of them at once. */
export interface SizeRate extends Rate {
  readonly bytes: number;
  readonly inFlight: number;
}

/** Notifications there and back. */
export interface OneWay extends Rate {
  readonly roundTrip: Distribution;
  /** Of those sent at once, how many never came back. */
  readonly lost: number;
}

/** What one mechanism gave on this machine. Absent: it cannot do that. */
export interface Measured {
  readonly name: string;
  /** How long it was measured for, in milliseconds. */
  readonly forMs: number;
  /** One call of 64 bytes at a time, and what it costs both sides of the processor. */
  readonly call?: Distribution & { readonly cpuUsEach: number };
  readonly sizes?: readonly SizeRate[];
  /** Items of 64 bytes. */
  readonly stream?: Rate;
  readonly oneWay?: OneWay;
  /** Of both sides while nothing is said, in milliseconds of the processor a second. */
  readonly idleCpuMs: number;
}

/** A mechanism that was not measured, and why. */
export interface NotMeasured {
  readonly name: string;
  readonly reason: string;
}

export type Outcome = Measured | NotMeasured;

export function isMeasured(outcome: Outcome): outcome is Measured {
  return !("reason" in outcome);
}

/** What the process that asks is told. */
export interface AskerTerms {
  readonly mechanism: string;
  /** Where files and sockets are made. */
  readonly folder: string;
  /** How long all of it may take, in milliseconds. */
  readonly forMs: number;
}

/** What the process at the other side is told. */
export interface SideTerms {
  readonly mechanism: string;
  readonly folder: string;
  /** Where pings are sent back to; absent where nobody pings. */
  readonly back?: string | undefined;
}
