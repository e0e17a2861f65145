/** When a version of a service is to be used no more. Instants are milliseconds since 1970; what is absent was not said. */
export interface Retirement {
  /** Whoever uses it after this should move; it goes on as before (RFC 9745). */
  readonly deprecatedAt?: number;
  /** After this it may be gone (RFC 8594). */
  readonly sunsetAt?: number;
  /** A URL where people read what to do. */
  readonly link?: string;
  /** A URL of what comes after it. */
  readonly successor?: string;
}
