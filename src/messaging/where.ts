/** Which messages a consumer wants: all that is given must hold. */
export interface Where {
  /** One specific message. */
  readonly id?: string;
  /** The message, or the reply to the message, that this one belongs to. */
  readonly correlationId?: string;
  /** The ordering key: equal to it, or beginning with it where it ends with `*`. */
  readonly subject?: string;
  /** The type of the message: `orders.placed`. */
  readonly type?: string;
  /** CloudEvents attributes, each equal to the text, or to one of the texts. */
  readonly attributes?: Readonly<Record<string, string | readonly string[]>>;
  /** An expression in CEL (Common Expression Language) over `data` and `message`: `data.total > 100.0 && message.source == "/shop"`. */
  readonly data?: string;
}
