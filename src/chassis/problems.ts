import { milliseconds, type Duration } from "../base/duration.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../base/error.ts";
import type { Kind } from "../base/handler.ts";
import type { SystemCode } from "../base/outcome.ts";
import { info, type AnyContract } from "../contract/contract.ts";
import { inputSideProblems } from "../contract/input-side.ts";
import { isMessage } from "../contract/kinds.ts";
import { membersOf } from "../call/compile.ts";
import { admissionProblems, type AdmissionOptions } from "../call/load/admission-options.ts";
import { serviceProblems, type Service } from "../call/serve.ts";
import type { Operation } from "../protocol/operation.ts";
import type { Protocol, ProtocolCapabilities } from "../protocol/protocol.ts";
import { parseAddress, type Address } from "../transport/address.ts";
import { isLoopback } from "../transport/loopback.ts";
import type { Budgets, StopBudgets } from "./ending.ts";
import { ownPrefix } from "./reflection.ts";
import { wayTo, type Given } from "./schemes.ts";

/** An address that can be listened on. */
export interface Place {
  readonly address: Address;
  readonly protocol: Protocol;
}

/** One thing that keeps a process from starting. */
export interface Problem {
  readonly text: string;
  /** The code of the error that it was, if it was one of ours. */
  readonly code?: SystemCode;
}

/** Reads the addresses; what is wrong with them goes into `problems`. */
export async function placesOf(
  listen: readonly string[],
  given: Given,
  problems: Problem[],
): Promise<Place[]> {
  const places: Place[] = [];
  for (const text of listen) {
    try {
      const address = parseAddress(text);
      if (address.protocol === "service") {
        problems.push({
          text: `${address.text} is where clients look, nobody can listen there.\n     → listen on unix:, tcp: or another address, and write \`register: true\``,
        });
        continue;
      }
      places.push({ address, protocol: await wayTo(address, given).load() });
    } catch (error) {
      problems.push(problemOf(error));
    }
  }
  return places;
}

/** Who can be reached from other hosts must be encrypted, or must say in writing that it need not be. */
export function opennessProblems(places: readonly Place[]): Problem[] {
  return places
    .filter(({ address }) => address.transport !== "tls" && !isLoopback(address))
    .map(({ address: { text, transport } }) => ({
      text: `${text} can be reached from other hosts, without encryption and by anyone.\n     → listen on ${transport === "tcp" ? "tls://, on " : ""}127.0.0.1, or write \`insecure: true\``,
    }));
}

/** Reads the budgets; what is wrong with them goes into `problems`. */
export function budgetsOf(stop: StopBudgets, problems: Problem[]): Budgets {
  const read = (name: string, duration: Duration): number => {
    try {
      return milliseconds(duration);
    } catch (error) {
      const { text } = problemOf(error);
      problems.push({ text: `stop.${name}: ${text}`, code: "INVALID_ARGUMENT" });
      return 0;
    }
  };
  return {
    readinessMs: read("readiness", stop.readiness ?? 0),
    drainMs: read("drain", stop.drain ?? "10s"),
    unhurriedMs: read("unhurried", stop.unhurried ?? "1h"),
  };
}

/** What can be told of the services before anything listens. */
export function servicesProblems(
  services: readonly Service[],
  places: readonly Place[],
): Problem[] {
  const texts: string[] = [];
  const seen = new Set<string>();
  for (const service of services) {
    const { name, major } = service.contract[info];
    const identity = `${name}@${major}`;
    if (seen.has(identity))
      texts.push(
        `${identity} is served twice.\n     → leave one serve(…) out, or raise the major version of one`,
      );
    seen.add(identity);
    if (name.startsWith(ownPrefix) && service.own !== true)
      texts.push(
        `${identity}: names that begin with "${ownPrefix}" are Trunkline's own.\n     → give the contract another name`,
      );
    texts.push(...serviceProblems(service));
    for (const { operation, where, problem, advice } of inputSideProblems(service.contract)) {
      texts.push(`${name}.${operation}, ${where}: ${problem}.\n     → ${advice}`);
    }
    texts.push(...kindProblems(service, places));
  }
  return texts.map((text) => ({ text }));
}

/** What none of the places, or one of them, cannot carry. */
export function kindProblems(
  { contract }: Pick<Service, "contract">,
  places: readonly Place[],
): string[] {
  const texts: string[] = [];
  const carries = ({ protocol: { capabilities } }: Place, operation: Operation): boolean =>
    capabilities.kinds.includes(operation.kind) && keepsOrder(capabilities, operation);
  for (const place of places) {
    const { address, protocol } = place;
    for (const { operation } of membersOf(contract)) {
      if (
        isMessage(operation.kind) ||
        carries(place, operation) ||
        protocol.leavesOut?.(operation, address) === true
      )
        continue;
      const elsewhere = places.some((other) => carries(other, operation));
      const advice = [
        protocol.leavesOut === undefined
          ? undefined
          : `leave it out with ${protocol.name}({ except: ["${operation.name}"] })`,
        elsewhere ? undefined : "listen on unix:, tcp: or grpc: too",
      ].filter((part) => part !== undefined);
      const lacks = keepsOrder(protocol.capabilities, operation)
        ? `${protocol.name} has no ${waysOf[operation.kind]}`
        : `it has a key, and ${address.transport} keeps no order`;
      texts.push(
        `${operation.kind} ${operation.name} cannot be served over ${address.text} (${lacks}).\n     → ${advice.join(", or ") || "listen on another address for it"}`,
      );
    }
  }
  return texts;
}

function keepsOrder({ ordered = true }: ProtocolCapabilities, operation: Operation): boolean {
  return ordered || !operation.ordered;
}

/** What a protocol lacks that has no such kind, in a person's words. */
const waysOf: Readonly<Record<Kind, string>> = {
  call: "calls",
  stream: "streams",
  upload: "uploads",
  duplex: "two-way streams",
  notification: "notifications",
  command: "commands",
  document: "documents",
  event: "events",
  gather: "gathers",
};

export function overloadProblems(
  options: AdmissionOptions,
  contracts: readonly AnyContract[],
): Problem[] {
  const served = new Set(
    contracts.flatMap((contract) => membersOf(contract).map(({ operation }) => operation.name)),
  );
  return admissionProblems(options, served).map((text) => ({ text }));
}

export function problemOf(error: unknown): Problem {
  if (!isTrunklineError(error))
    return { text: error instanceof Error ? error.message : String(error) };
  const { code, reason, advice, endpoint } = error;
  const what = endpoint === undefined ? reason : `${endpoint}: ${reason}`;
  return {
    text: advice === undefined ? what : `${what}\n     → ${advice}`,
    code: code as SystemCode,
  };
}

/** All problems in one message: a person mends them in one go. */
export function cannotStart(name: string, problems: readonly Problem[]): TrunklineError {
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  const list = problems.map(({ text }, index) => `\n  ${index + 1}. ${text}`).join("");
  const code = (problems.length === 1 ? problems[0]!.code : undefined) ?? "INVALID_ARGUMENT";
  return systemError(code, `Cannot start ${JSON.stringify(name)}, ${count}:${list}`, {
    executed: "no",
    advice: "nothing listens; mend this and start again",
  });
}
