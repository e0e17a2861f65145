/** How long an observation holds when it is not made again, in milliseconds. */
export const opinionTtlMs = 10_000;

/** From so many failures in a row on a process tells others. */
export const tellFrom = 3;

/** From so many on it is a witness by whose word all may open: at so many its own breaker opens by default. */
export const witnessFrom = 5;

/** What several processes see within this time is told as one, in milliseconds. */
export const exchangeDebounceMs = 100;

/** What one process sees within this time is reported as one, in milliseconds. */
export const reportDebounceMs = 25;

/** What one process sees again is reported again after this time, so that it goes on holding, in milliseconds. */
export const reportAgainMs = 3_000;

/** After the last failure an endpoint is left alone for so long before one process may try it, in milliseconds. */
export const probeAfterMs = 2_000;

/** For so long the process that may try it is the only one, in milliseconds. It says what came of it before. */
export const probeLeaseMs = 5_000;

/** How often a process asks whether it may be the one, in milliseconds. */
export const probeAskMs = 500;

/** Endpoints of which anybody says anything; further ones are not taken. */
export const endpointsMax = 10_000;

/** Processes that say something of one endpoint. */
export const reportersMax = 256;

/** What all opinions together come to as JSON, in bytes: they are one item on the wire. */
export const opinionBytesMax: number = 2 * 1024 * 1024;

/** Observations in one report. */
export const observationsMax = 1_000;

/** Processes that follow. */
export const followersMax = 10_000;

/** The longest name of a service, endpoint, host or process, in characters. */
export const evidenceTextMax = 1_024;
