/** What every message carries: an order of some 200 bytes. */
export interface Order {
  readonly id: string;
  readonly number: number;
  readonly item: string;
  readonly note: string;
}

export function orderOf(number: number): Order {
  return {
    id: `customer-${number % 500}`,
    number,
    item: "kettle, 1.7 litres, brushed steel",
    note: "leave it with the neighbour, second floor, the door on the left; ring twice, the bell is quiet",
  };
}

/** A way for messages, from one who sends to one who consumes. */
export interface Post {
  /** Resolves with the receipt; where there are none, when the message was handed over. */
  send(order: Order): Promise<void>;
  close(): Promise<void>;
}

/** Somebody who carries messages. */
export interface Carrier {
  readonly peer: string;
  /** What carries them: `memory`, `rabbitmq`. */
  readonly over: string;
  /** What a receipt says, in words. */
  readonly receipt: string;
  open(heard: (order: Order) => void): Promise<Post>;
}
