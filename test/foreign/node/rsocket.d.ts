// What the programs here use of the rsocket packages of npm, which come without types.

declare module "rsocket-flowable" {
  export interface Subscription {
    request(n: number): void;
    cancel(): void;
  }

  export interface Subscriber<T> {
    onSubscribe(subscription: Subscription): void;
    onNext(value: T): void;
    onError(error: Error): void;
    onComplete(): void;
  }

  export class Flowable<T> {
    static error<T>(error: Error): Flowable<T>;
    constructor(source: (subscriber: Subscriber<T>) => void);
    subscribe(subscriber: Partial<Subscriber<T>>): void;
  }

  export interface Waiter<T> {
    onSubscribe(cancel: () => void): void;
    onComplete(value: T): void;
    onError(error: Error): void;
  }

  export class Single<T> {
    static of<T>(value: T): Single<T>;
    static error<T>(error: Error): Single<T>;
    constructor(source: (waiter: Waiter<T>) => void);
    subscribe(waiter: Partial<Waiter<T>>): void;
  }
}

declare module "rsocket-core" {
  import type { Flowable, Single } from "rsocket-flowable";

  export interface Payload {
    readonly data?: Buffer | null;
    readonly metadata?: Buffer | null;
  }

  export interface Responder {
    fireAndForget(payload: Payload): void;
    requestResponse(payload: Payload): Single<Payload>;
    requestStream(payload: Payload): Flowable<Payload>;
    requestChannel(payloads: Flowable<Payload>): Flowable<Payload>;
    metadataPush(payload: Payload): Single<void>;
  }

  export interface Socket {
    fireAndForget(payload: Payload): void;
    requestResponse(payload: Payload): Single<Payload>;
    requestStream(payload: Payload): Flowable<Payload>;
    requestChannel(payloads: Flowable<Payload>): Flowable<Payload>;
    metadataPush(payload: Payload): Single<void>;
    close(): void;
  }

  export interface Lease {
    readonly allowedRequests: number;
    readonly timeToLiveMillis: number;
  }

  export class Leases {
    receiver(receiver: (leases: Flowable<Lease>) => void): this;
  }

  export class RSocketClient {
    constructor(config: {
      readonly setup: {
        readonly dataMimeType: string;
        readonly metadataMimeType: string;
        readonly keepAlive: number;
        readonly lifetime: number;
        readonly payload?: Payload;
      };
      readonly transport: unknown;
      readonly responder?: Partial<Responder>;
      readonly errorHandler?: (error: Error) => void;
      readonly leases?: () => Leases;
    });
    connect(): Single<Socket>;
  }

  export class RSocketServer {
    constructor(config: {
      readonly getRequestHandler: (socket: Socket, setup: Payload) => Partial<Responder>;
      readonly transport: unknown;
    });
    start(): void;
    stop(): void;
  }

  export interface Entry {
    readonly mimeType: string | undefined;
    readonly content: Buffer;
  }

  export const BufferEncoders: object;
  export const MESSAGE_RSOCKET_COMPOSITE_METADATA: { readonly string: string };
  export const MESSAGE_RSOCKET_ROUTING: { readonly string: string };
  export const MESSAGE_RSOCKET_AUTHENTICATION: { readonly string: string };
  export function decodeCompositeMetadata(metadata: Buffer): Iterable<Entry>;
  export function decodeRoutes(content: Buffer): Iterable<string>;
  export function decodeAuthMetadata(content: Buffer): {
    readonly type: { readonly string: string };
    readonly payload: Buffer;
  };
  export function encodeCompositeMetadata(
    entries: readonly (readonly [mime: unknown, content: Buffer])[],
  ): Buffer;
  export function encodeRoute(route: string): Buffer;
  export function encodeBearerAuthMetadata(token: string): Buffer;
  export function encodeSimpleAuthMetadata(username: string, password: string): Buffer;
}

declare module "rsocket-tcp-client" {
  const module: {
    readonly default: new (
      options: { readonly host: string; readonly port: number },
      encoders: object,
    ) => object;
  };
  export default module;
}

declare module "rsocket-tcp-server" {
  import type { Server, Socket } from "node:net";

  const module: {
    readonly default: new (
      options: {
        readonly host: string;
        readonly port: number;
        readonly serverFactory: (onConnect: (socket: Socket) => void) => Server;
      },
      encoders: object,
    ) => object;
  };
  export default module;
}
