import { systemError } from "../../../base/error.ts";
import type { Format } from "../../../codec/format.ts";
import type { Operation, OwnContract } from "../../operation.ts";
import { routesOf } from "../binding/routes.ts";
import type { RestOptions, VersionsBy } from "../options.ts";
import type { Route } from "../route.ts";
import { Ask } from "./ask.ts";

/** Where the operations of one contract stand. */
interface Places {
  readonly routes: ReadonlyMap<string, Route>;
  readonly base: string;
  readonly fixed: ReadonlySet<string>;
}

/** How each operation is asked for, worked out when it is first needed. */
export class AskTable {
  readonly #options: RestOptions;
  readonly #itemBytesMax: number;
  readonly #places = new WeakMap<OwnContract, Places>();
  /** By format and the operation's slot. */
  readonly #asks = new Map<Format, Ask[]>();

  constructor(options: RestOptions, itemBytesMax: number) {
    this.#options = options;
    this.#itemBytesMax = itemBytesMax;
  }

  /** Throws, with `executed: "no"`, when the operation has no place on HTTP or the format cannot carry it. */
  of(operation: Operation, format: Format): Ask {
    let asks = this.#asks.get(format);
    if (asks === undefined) this.#asks.set(format, (asks = []));
    return (asks[operation.slot] ??= this.#make(operation, format));
  }

  #make(operation: Operation, format: Format): Ask {
    const { routes, base, fixed } = this.#placesOf(operation.owner);
    const route = routes.get(operation.member);
    if (route === undefined) {
      const reason = `${operation.name} has no place on HTTP: its binding leaves it out`;
      throw systemError("UNIMPLEMENTED", reason, { executed: "no" });
    }
    const version = this.#version;
    return new Ask(operation, route, {
      format,
      version,
      foreign: version === "none",
      itemBytesMax: this.#itemBytesMax,
      base,
      fixed,
    });
  }

  #placesOf(owner: OwnContract): Places {
    let places = this.#places.get(owner);
    if (places === undefined) {
      const { bindings = [] } = this.#options;
      const bound = bindings.filter(({ contract }) => contract === owner.name);
      const binding = bound.find(({ major }) => major === owner.major) ?? bound[0];
      const made = routesOf(owner.shape, binding?.terms);
      const segments = made.flatMap(({ path }) => path.split("/"));
      places = {
        routes: new Map(made.map((route) => [route.member, route])),
        base: binding?.terms.base ?? "",
        fixed: new Set(segments.filter((segment) => /^[^{}]+$/.test(segment))),
      };
      this.#places.set(owner, places);
    }
    return places;
  }

  get #version(): VersionsBy {
    const { versions = "uri" } = this.#options;
    return typeof versions === "object" && Symbol.iterator in versions
      ? (versions[0] ?? "none")
      : versions;
  }
}
