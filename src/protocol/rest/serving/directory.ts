import type { IncomingHttpHeaders } from "node:http";

import type { Format } from "../../../codec/format.ts";
import type { Dispatcher, ServedOperation } from "../../protocol.ts";
import type { RestServeOptions } from "../options.ts";
import type { Resource } from "./endpoint.ts";
import { refusal, type Refusal } from "./refusal.ts";
import { Site } from "./site.ts";
import { majorOf, type Target } from "./target.ts";

/** What there is to be found at an address, as long as the dispatcher says so. */
export class Directory {
  readonly #dispatcher: Dispatcher;
  readonly #options: RestServeOptions;
  readonly #formats: readonly Format[];
  #listed: readonly ServedOperation[];
  #site: Site;

  /** Throws INVALID_ARGUMENT for what cannot be served. */
  constructor(dispatcher: Dispatcher, options: RestServeOptions, formats: readonly Format[]) {
    this.#dispatcher = dispatcher;
    this.#options = options;
    this.#formats = formats;
    this.#listed = dispatcher.list();
    this.#site = new Site(this.#listed, options, formats);
  }

  /** The header that tells the version, in lower case. */
  get versionHeader(): string | undefined {
    return this.#site.versions.header;
  }

  /** What stands at the path, in the version that is meant; the texts of its parameters are put into `values`. */
  find(target: Target, headers: IncomingHttpHeaders, values: string[]): Resource | Refusal {
    const major = majorOf(this.#site.versions, target, headers);
    const found = this.#site.router(major)?.find(target.path, values);
    if (found !== undefined) return found;
    values.length = 0;
    // A dispatcher may have got to know more since.
    const later = this.#renewed() ? this.#site.router(major)?.find(target.path, values) : undefined;
    return later ?? this.#unknown(major, target);
  }

  /** Looks again at what there is; false when it is what there was. */
  #renewed(): boolean {
    const before = this.#listed;
    const now = this.#dispatcher.list();
    if (now.length === before.length && now.every((each, index) => each === before[index]))
      return false;
    this.#site = new Site(now, this.#options, this.#formats);
    this.#listed = now;
    return true;
  }

  #unknown(major: number | undefined, { path }: Target): Refusal {
    if (major === undefined || this.#site.router(major) !== undefined)
      return refusal("UNIMPLEMENTED", `nothing is served at ${path.slice(0, 200)}`, 404);
    const majors = this.#site.majors.join(", ");
    return refusal("UNIMPLEMENTED", `version ${major} is not served, ${majors} are`, 404);
  }
}
