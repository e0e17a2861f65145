/**
 * What other processes say of one endpoint, and what this one tells them. Kept by whoever calls the endpoint: asking costs no
 * look-up. It never waits, and never fails: without word from others it says what `localEvidence` says.
 */
export interface EndpointEvidence {
  /** How many failures in a row suffice now, where alone it would take `own`: from 1 to `own`. */
  needed(own: number, now: number): number;
  /** True while enough others have seen it fail, where their word alone opens. False wherever that was not asked for. */
  shut(now: number): boolean;
  /**
   * While it is shut: leave for one request that looks whether it answers again, given to one process of all. Whoever got it
   * sends the request and tells what came of it by `saw`.
   */
  mayProbe(now: number): boolean;
  /** This process has seen so many failures in a row. 0: it answered. Telling the same again costs nothing. */
  saw(failures: number, now: number): void;
}

/** What processes that call the same endpoints tell each other of them. */
export interface Evidence {
  /** What is known of an endpoint of a service; the same object whenever it is asked for. */
  of(service: string, endpoint: string): EndpointEvidence;
}

const own: EndpointEvidence = Object.freeze({
  needed: (alone: number) => alone,
  shut: () => false,
  mayProbe: () => false,
  saw: () => {},
});

/** Of a process that neither tells nor hears: only what it saw itself counts. */
export const localEvidence: Evidence = Object.freeze({ of: () => own });
