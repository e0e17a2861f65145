import { isTrunklineError } from "../base/error.ts";
import type { Broker, BrokerCapabilities } from "../broker/broker.ts";
import { channel, type Channel } from "../broker/channel.ts";
import { membersOf, type Member } from "../call/compile.ts";
import { brokerMakeAt, openBroker } from "../chassis/broker-at.ts";
import { isMessage } from "../contract/kinds.ts";
import { Channels, type Binding } from "../messaging/channels.ts";
import { didYouMean } from "./closest.ts";
import { UsageError, type Command, type Line } from "./command.ts";
import { loadContracts, type ContractModule } from "./contract-module.ts";

/** The options by which commands know how a channel is laid out. */
export const channelOptions: Command["options"] = {
  contract: {
    value: "FILE",
    about: "CHANNEL is an operation of that module: orders.placed",
  },
  ordered: { about: "the channel keeps order per key" },
  shards: { value: "NUMBER", about: "into how many parts it is divided; default 12" },
};

/** What the words after the address name. */
export interface NamedChannel {
  readonly channel: Channel;
  /** Undefined: of a queue, or of a topic where none is named. */
  readonly group: string | undefined;
  /** The operation of a contract, where one is named. */
  readonly member: Member | undefined;
  readonly bindings: readonly Binding[];
}

/** Opens the broker that the first word names. */
export async function brokerOf(line: Line, at = 0): Promise<Broker> {
  const address = line.word(at, "ADDRESS");
  const options = { name: "trunkline-cli" };
  return openBroker(address, options, line.terminal.env).catch(misused);
}

/** What brokers of the make that the word at `at` names promise. */
export async function promisesOf(line: Line, at = 0): Promise<BrokerCapabilities> {
  return (await brokerMakeAt(line.word(at, "ADDRESS")).catch(misused)).capabilities;
}

function misused(error: unknown): never {
  if (!isTrunklineError(error) || error.code !== "INVALID_ARGUMENT") throw error;
  throw new UsageError([error.reason, error.advice ?? []].flat().join("; "));
}

/** Whether whoever consumes a topic there hears all of it, for there are no groups. */
export function hearsAll({ topics, groups }: BrokerCapabilities): boolean {
  return topics !== false && !groups;
}

/**
 * The channel that the word at `at` names, and the group after it, except where `grouped` is false. `shape` is what a channel without contract is when it has no group:
 * commands that look at what waits mean a queue, those that publish and consume say it by an option.
 */
export async function channelOf(
  line: Line,
  at: number,
  shape: Channel["shape"] | undefined,
  grouped = true,
): Promise<NamedChannel> {
  const word = line.word(at, "CHANNEL");
  const group = grouped ? line.optionalWord(at + 1) : undefined;
  const file = line.text("contract");
  if (file === undefined) {
    const named = channelNamed(
      line,
      word,
      shape ?? (group === undefined ? "queue" : "topic"),
      await promisesOf(line, at - 1),
    );
    return { channel: named, group, member: undefined, bindings: [] };
  }
  const module = await loadContracts(file);
  const member = memberIn(module, word);
  const bindings = bindingsIn(module);
  const bound = new Channels(bindings).of(member);
  if (bound.shape === "queue" && group !== undefined)
    throw new UsageError(`a ${member.operation.kind} has no groups: leave ${group} away`);
  return { channel: bound, group, member, bindings };
}

/** Whoever names it by hand takes what the broker can do. */
function channelNamed(
  line: Line,
  name: string,
  shape: Channel["shape"],
  { guarantees }: BrokerCapabilities,
): Channel {
  const guarantee = guarantees.includes("at-least-once") ? "at-least-once" : "at-most-once";
  try {
    return channel({
      ...{ name, shape, guarantee },
      ...{ ordered: line.on("ordered"), shards: line.number("shards", 12) },
    });
  } catch (error) {
    throw isTrunklineError(error) ? new UsageError(error.reason) : error;
  }
}

/** `orders.placed`, or `orders@2.placed` where there are several. */
function memberIn({ contracts }: ContractModule, path: string): Member {
  const members = contracts
    .flatMap((contract) => membersOf(contract))
    .filter(({ operation }) => isMessage(operation.kind))
    .toSorted((a, b) => b.operation.owner.major - a.operation.owner.major);
  const found = members.find(({ name, operation: { owner } }) =>
    [`${owner.name}.${name}`, `${owner.name}@${owner.major}.${name}`].includes(path),
  );
  if (found !== undefined) return found;
  const names = members.map(({ name, operation }) => `${operation.owner.name}.${name}`);
  const there = names.length === 0 ? "it has no messages" : didYouMean(path, names);
  throw new UsageError(`there is no message ${path}; ${there}`);
}

function bindingsIn({ exported }: ContractModule): Binding[] {
  return Object.values(exported)
    .flat()
    .filter(
      (each): each is Binding =>
        typeof each === "object" && each !== null && "operation" in each && "terms" in each,
    );
}

/** The group that must be named where the channel is a topic. */
export function groupOf({ channel: of, group }: NamedChannel): string | undefined {
  if (of.shape === "topic" && group === undefined)
    throw new UsageError(`${of.name} is a topic: name the group after it`);
  return group;
}
