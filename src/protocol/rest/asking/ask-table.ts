import { systemError } from "../../../base/error.ts";
import type { Format } from "../../../codec/format.ts";
import type { Operation, OwnContract } from "../../operation.ts";
import { routesOf } from "../binding/routes.ts";
import type { RestOptions, VersionsBy } from "../options.ts";
import type { Route } from "../route.ts";
import { Ask } from "./ask.ts";

/** How each operation is asked for, worked out when it is first needed. */
export class AskTable {
  readonly #options: RestOptions;
  readonly #itemBytesMax: number;
  readonly #routes = new WeakMap<OwnContract, ReadonlyMap<string, Route>>();
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
    const route = this.#routesOf(operation.owner).get(operation.member);
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
    });
  }

  #routesOf(owner: OwnContract): ReadonlyMap<string, Route> {
    let routes = this.#routes.get(owner);
    if (routes === undefined) {
      const { bindings = [] } = this.#options;
      const bound = bindings.filter(({ contract }) => contract === owner.name);
      const binding = bound.find(({ major }) => major === owner.major) ?? bound[0];
      const made = routesOf(owner.shape, binding?.terms);
      routes = new Map(made.map((route) => [route.member, route]));
      this.#routes.set(owner, routes);
    }
    return routes;
  }

  get #version(): VersionsBy {
    const { versions = "uri" } = this.#options;
    return typeof versions === "object" && Symbol.iterator in versions
      ? (versions[0] ?? "none")
      : versions;
  }
}
