import { isRecord } from "../../../schema/dialect.ts";
import { fieldsOf, textIn, type Fields, type Source } from "../../../schema/foreign/source.ts";

/** An operation as it stands in a document of either major version, its references followed. */
export interface Listed {
  /** `operations/onOrder`, for warnings. */
  readonly where: string;
  readonly operation: Fields;
  /** By what names the operation could go, the best first. */
  readonly names: readonly (string | undefined)[];
  /** Where its messages go, as the document writes it. */
  readonly address: string | undefined;
  /** Its channel is a queue: each message goes to one receiver. */
  readonly queue: boolean;
  readonly messages: readonly Fields[];
  /** What comes back; undefined: nothing does. */
  readonly replies: readonly Fields[] | undefined;
}

/** The operations of an AsyncAPI document of 2.x or 3.x, in its order. */
export function listed(source: Source): readonly Listed[] {
  return String(source.root["asyncapi"]).startsWith("2.") ? ofSecond(source) : ofThird(source);
}

function ofThird(source: Source): readonly Listed[] {
  return Object.entries(fieldsOf(source.root["operations"])).flatMap(([id, given]) => {
    const where = `operations/${id}`;
    const operation = source.follow(given);
    const channel = source.follow(operation?.["channel"]);
    if (operation === undefined || channel === undefined) {
      source.warn(where, "is left out: it, or its channel, lies outside the document");
      return [];
    }
    const reply = source.follow(operation["reply"]);
    const replying = source.follow(reply?.["channel"]) ?? {};
    const replies =
      reply === undefined ? undefined : followed(source, reply["messages"] ?? replying["messages"]);
    return [
      {
        where,
        operation,
        names: [textIn(fieldsOf(operation["x-trunkline"])["operation"]), id],
        address: textIn(channel["address"]),
        queue: isQueue(source, channel),
        messages: followed(source, operation["messages"] ?? channel["messages"]),
        replies,
      },
    ];
  });
}

/** Before 3.0 a channel is called by its address, and has an operation for each direction. */
function ofSecond(source: Source): readonly Listed[] {
  return Object.entries(fieldsOf(source.root["channels"])).flatMap(([address, given]) => {
    const channel = source.follow(given);
    if (channel === undefined) {
      source.warn(address, "is left out: it lies outside the document");
      return [];
    }
    return ["publish", "subscribe"].flatMap((verb): Listed[] => {
      const operation = source.follow(channel[verb]);
      if (operation === undefined) return [];
      const message = source.follow(operation["message"]);
      const several = message?.["oneOf"];
      return [
        {
          where: `channels/${address}/${verb}`,
          operation,
          names: [textIn(operation["operationId"]), `${verb} ${address}`],
          address,
          queue: isQueue(source, channel),
          messages: Array.isArray(several)
            ? followed(source, several)
            : message === undefined
              ? []
              : [message],
          replies: undefined,
        },
      ];
    });
  });
}

function isQueue(source: Source, channel: Fields): boolean {
  const { amqp } = fieldsOf(source.follow(channel["bindings"]));
  return fieldsOf(source.follow(amqp))["is"] === "queue";
}

/** The messages in a list, or under names. */
function followed(source: Source, messages: unknown): Fields[] {
  const all = Array.isArray(messages)
    ? (messages as unknown[])
    : Object.values(isRecord(messages) ? messages : {});
  return all.flatMap((each): Fields[] => {
    const message = source.follow(each);
    return message === undefined ? [] : [message];
  });
}
