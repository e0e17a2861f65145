import { systemError } from "../../../base/error.ts";
import type { Format } from "../../../codec/format.ts";
import type { ServedOperation } from "../../protocol.ts";
import { bindingOf, leftOut } from "../binding/left-out.ts";
import { routesOf } from "../binding/routes.ts";
import type { RestTerms } from "../binding/terms.ts";
import { versionedPath, versionsOf, type Versions } from "../binding/versions.ts";
import type { RestServeOptions } from "../options.ts";
import type { Route } from "../route.ts";
import { Endpoint, Resource } from "./endpoint.ts";
import { Router } from "./router.ts";

/** One version of a contract that is served. */
interface Version {
  readonly contract: string;
  readonly major: number;
  readonly terms: RestTerms;
  readonly routes: readonly Route[];
  readonly served: ReadonlyMap<string, ServedOperation>;
}

/** Everything that is served at one address, by its place. */
export class Site {
  readonly versions: Versions;
  /** What a request reaches that names no version, or names it in its path. */
  readonly #plain = new Router<Resource>();
  /** What a request reaches that names a version elsewhere. */
  readonly #byMajor = new Map<number, Router<Resource>>();
  readonly #options: RestServeOptions;
  readonly #formats: readonly Format[];
  readonly #problems: string[] = [];

  /** Throws INVALID_ARGUMENT that lists every problem at once. */
  constructor(
    listed: readonly ServedOperation[],
    options: RestServeOptions,
    formats: readonly Format[],
  ) {
    this.versions = versionsOf(options.versions);
    this.#options = options;
    this.#formats = formats;
    const served = versionsServed(listed, options);
    for (const [contract, all] of Map.groupBy(served, (version) => version.contract))
      this.#add(contract, all);
    if (this.#problems.length === 0) return;
    const list = this.#problems.map((problem, index) => `\n  ${index + 1}. ${problem}`).join("");
    throw systemError("INVALID_ARGUMENT", `this cannot be served by REST:${list}`, {
      executed: "no",
      advice: "give another `collection` or other `routes` to bindRest()",
    });
  }

  /** Undefined: nobody serves that version. */
  router(major: number | undefined): Router<Resource> | undefined {
    return major === undefined ? this.#plain : this.#byMajor.get(major);
  }

  /** The versions that can be asked for. */
  get majors(): readonly number[] {
    return [...this.#byMajor.keys()].toSorted((a, b) => a - b);
  }

  /** All versions of one contract. */
  #add(contract: string, all: readonly Version[]): void {
    const { unversioned = "newest" } = this.#options;
    const majors = all.map(({ major }) => major);
    const meant =
      typeof unversioned === "number"
        ? unversioned
        : Math[unversioned === "newest" ? "max" : "min"](...majors);
    for (const version of all) {
      const { major, terms, routes } = version;
      const base = terms.base ?? "";
      for (const route of routes) {
        if (/\/[^/]+\{|\}[^/]/.test(route.path)) {
          this.#problems.push(
            `${contract}.${route.member}: a parameter of ${route.path} is not all of its segment`,
          );
          continue;
        }
        const endpoint = this.#endpoint(version, route);
        if (major === meant) this.#place(this.#plain, route.path, endpoint);
        if (this.versions.uri)
          this.#place(this.#plain, versionedPath(route.path, base, major), endpoint);
        if (
          this.versions.query !== undefined &&
          route.params.some(({ name }) => name === this.versions.query)
        )
          this.#problems.push(
            `${contract}.${route.member}: the query parameter "${this.versions.query}" tells the version`,
          );
        this.#place(this.#routerOf(major), route.path, endpoint);
      }
    }
  }

  #endpoint({ served, routes, terms }: Version, route: Route): Endpoint {
    return new Endpoint(
      served.get(route.member)!,
      route,
      routes,
      this.#formats,
      this.versions,
      this.#options.compression !== false,
      terms.base ?? "",
    );
  }

  #place(router: Router<Resource>, path: string, endpoint: Endpoint): void {
    const resource = router.at(path, () => new Resource());
    if (resource.add(endpoint)) return;
    const { method } = endpoint.route;
    const other = resource.get(method)!.operation;
    const problem = `${method} ${path} is both ${other.name} and ${endpoint.operation.name}`;
    if (!this.#problems.includes(problem)) this.#problems.push(problem);
  }

  #routerOf(major: number): Router<Resource> {
    let router = this.#byMajor.get(major);
    if (router === undefined) this.#byMajor.set(major, (router = new Router()));
    return router;
  }
}

function versionsServed(listed: readonly ServedOperation[], options: RestServeOptions): Version[] {
  const groups = Map.groupBy(listed, ({ operation }) => operation.owner);
  return [...groups].map(([{ name, major, shape }, members]) => {
    const terms = bindingOf(options, name, major)?.terms ?? {};
    const served = new Map(members.map((each) => [each.operation.member, each]));
    const routes = routesOf(shape, terms).filter(({ member }) => {
      const operation = served.get(member)?.operation;
      return operation !== undefined && !leftOut(options, operation);
    });
    return { contract: name, major, terms, routes, served };
  });
}
