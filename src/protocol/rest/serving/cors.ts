import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";

import { systemError } from "../../../base/error.ts";
import type { CorsOptions } from "../options.ts";
import { codeHeader, executedHeader, retryAfterMsHeader } from "../wire/header-names.ts";

/** Headers of answers that scripts may read, beside those that they always may. */
const exposedAlways = [
  "etag",
  "link",
  "location",
  "retry-after",
  codeHeader,
  executedHeader,
  retryAfterMsHeader,
];

/** Says which scripts may call. It keeps nobody out who does not ask: that is what `authorize` is for. */
export class Cors {
  readonly #everybody: boolean;
  readonly #origins: ReadonlySet<string>;
  readonly #options: CorsOptions;
  readonly #exposed: string;

  /** Throws INVALID_ARGUMENT for what browsers would refuse. */
  constructor(options: CorsOptions) {
    const { origins, credentials = false, exposed = [] } = options;
    this.#everybody = origins === "*";
    this.#origins = new Set(origins === "*" ? [] : origins);
    this.#options = options;
    this.#exposed = [...exposedAlways, ...exposed].join(", ");
    if (this.#everybody && credentials)
      throw refused('cors: credentials are not for everybody: name the origins instead of "*"');
    for (const origin of this.#origins)
      if (!/^[a-z][a-z0-9+.-]*:\/\/[^/]+$/.test(origin))
        throw refused(
          `cors: ${JSON.stringify(origin)} is not an origin: write "https://shop.example"`,
        );
  }

  /** Adds to the headers of any answer. */
  answer(request: IncomingHttpHeaders, headers: OutgoingHttpHeaders): void {
    if (!this.#everybody) {
      const { vary } = headers;
      headers["vary"] = vary === undefined ? "origin" : `${vary}, origin`;
    }
    const { origin } = request;
    if (origin === undefined || !this.#allows(origin)) return;
    headers["access-control-allow-origin"] = this.#everybody ? "*" : origin;
    headers["access-control-expose-headers"] = this.#exposed;
    if (this.#options.credentials === true) headers["access-control-allow-credentials"] = "true";
  }

  /** Adds to the headers of the answer to a browser that asks whether it may send a request. */
  preflight(request: IncomingHttpHeaders, methods: string, headers: OutgoingHttpHeaders): void {
    const { origin } = request;
    if (origin === undefined || !this.#allows(origin)) return;
    const asked = request["access-control-request-headers"];
    const allowed = this.#options.headers?.join(", ") ?? asked;
    headers["access-control-allow-methods"] = methods;
    if (allowed !== undefined) headers["access-control-allow-headers"] = allowed;
    headers["access-control-max-age"] = String(this.#options.maxAgeS ?? 600);
  }

  #allows(origin: string): boolean {
    return this.#everybody || this.#origins.has(origin);
  }
}

function refused(reason: string): Error {
  return systemError("INVALID_ARGUMENT", reason, { executed: "no" });
}
