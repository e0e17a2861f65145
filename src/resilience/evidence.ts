/** What this process takes part in for one endpoint. Asking costs no look-up; it never waits, and never fails. */
export interface EndpointEvidence {
  /**
   * True while enough others have seen it fail, where their word alone opens, and this process is not the one of all that may
   * look whether it answers again; asking is how it becomes that one. False wherever that was not asked for, and while the others
   * cannot be heard.
   */
  shut(now: number): boolean;
  /** A request goes there now: leave to look, if this process has it, is used up, and what comes of the request is told by `saw`. */
  begins(now: number): void;
  /** This process has seen so many failures in a row. 0: it answered. Telling what others know already costs nothing. */
  saw(failures: number, now: number): void;
  /** Nobody here calls the endpoint any more. */
  leave(): void;
}

/** What processes that call the same endpoints tell each other of them. */
export interface Evidence {
  /**
   * Joins those who call this endpoint of a service. `suspect` hears, whenever enough others say that it fails, until when less
   * evidence of one's own is enough, as an instant of the clock that `now` is read from: `Breaker.suspect`. Never within this call.
   */
  join(service: string, endpoint: string, suspect: (until: number) => void): EndpointEvidence;
}

const alone: EndpointEvidence = Object.freeze({
  shut: () => false,
  begins: () => {},
  saw: () => {},
  leave: () => {},
});

/** Of a process that neither tells nor hears: only what it saw itself counts. */
export const localEvidence: Evidence = Object.freeze({ join: () => alone });
