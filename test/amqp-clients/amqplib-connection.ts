// What amqplib's own tests of connections, recovery and callbacks ask of a broker.
import assert from "node:assert/strict";
import { connect, credentials } from "amqplib";
import * as callbacks from "amqplib/callback_api";
import { told, type ClientCase } from "./stand.ts";

/** What amqplib keeps, and does not tell in its types. */
interface Tuned {
  readonly heartbeat: number;
  readonly frameMax: number;
  readonly channelMax: number;
}

const connecting: readonly ClientCase[] = [
  {
    name: "connects, tells what the server can, and closes",
    async run({ url }) {
      const connection = await connect(url);
      const { capabilities, version, platform, product } = connection.connection
        .serverProperties as unknown as Record<string, unknown> & {
        readonly capabilities: Record<string, boolean>;
      };
      for (const text of [version, platform, product]) assert.equal(typeof text, "string");
      for (const name of [
        ...["publisher_confirms", "exchange_exchange_bindings", "basic.nack"],
        ...["consumer_cancel_notify", "connection.blocked", "consumer_priorities"],
        ...["authentication_failure_close", "per_consumer_qos", "direct_reply_to"],
      ])
        assert.equal(capabilities[name], true, name);
      await connection.close();
    },
  },
  ...(["plain", "amqplain"] as const).map((mechanism): ClientCase => ({
    name: `lets in by ${mechanism}`,
    async run({ host, port, user, password }) {
      const connection = await connect(`amqp://${host}:${port}`, {
        credentials: credentials[mechanism](user, password),
      });
      await connection.close();
    },
  })),
  {
    name: "offers no mechanism that it does not have",
    async run({ url }) {
      const unknown = { mechanism: "UNSUPPORTED", response: () => Buffer.alloc(0) };
      await assert.rejects(
        connect(url, { credentials: unknown }),
        /SASL mechanism UNSUPPORTED is not provided by the server/,
      );
    },
  },
  {
    name: "refuses a wrong password",
    async run({ host, port, user }) {
      await assert.rejects(
        connect(`amqp://${user}:wrong@${host}:${port}`),
        /403 \(ACCESS-REFUSED\).*ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN/,
      );
    },
  },
  {
    name: "refuses a virtual host that is not there",
    async run({ url, unique }) {
      await assert.rejects(
        connect(`${url}/${unique("nowhere")}`),
        /Expected ConnectionOpenOk; got <ConnectionClose|NOT_ALLOWED/,
      );
    },
  },
  {
    name: "an exchange of an unknown type is refused",
    async run({ url, unique }) {
      const connection = await connect(url);
      // RabbitMQ 3 ends the connection for it, RabbitMQ 4 the channel.
      const ended = told<Error>(connection, "error");
      const channel = await connection.createChannel();
      const closed = told<Error>(channel, "error");
      await assert.rejects(channel.assertExchange(unique("exchange"), "no-such-type"));
      const { message } = await Promise.race([ended, closed]);
      assert.match(message, /503 \(COMMAND-INVALID\)|406 \(PRECONDITION-FAILED\)/);
      assert.match(message, /exchange type 'no-such-type'/);
      await connection.close().catch(() => {});
    },
  },
  {
    name: "agrees on heartbeat and bounds",
    async run({ url }) {
      const connection = await connect(`${url}?heartbeat=20&frameMax=8192&channelMax=7`);
      const { heartbeat, frameMax, channelMax } = connection.connection as unknown as Tuned;
      assert.deepEqual([heartbeat, frameMax, channelMax], [20, 8192, 7]);
      await connection.close();
    },
  },
  {
    name: "takes the smallest frames that there may be",
    async run({ url, unique }) {
      const connection = await connect(`${url}?frameMax=4096`);
      const channel = await connection.createConfirmChannel();
      const { queue } = await channel.assertQueue(unique("queue"), { exclusive: true });
      const body = Buffer.alloc(50_000, "x");
      channel.sendToQueue(queue, body);
      await channel.waitForConfirms();
      const message = await channel.get(queue, { noAck: true });
      assert.ok(message && message.content.equals(body));
      await connection.close();
    },
  },
  {
    name: "takes another secret",
    async run({ url, password }) {
      const connection = await connect(url);
      const known = told(connection, "update-secret-ok");
      await connection.updateSecret(Buffer.from(password), "no reason");
      await known;
      await connection.close();
    },
  },
  {
    name: "a lost connection is made anew, and channels with it",
    async run({ url, cut, unique }) {
      let setUp = 0;
      const setup = async (): Promise<void> => {
        setUp += 1;
      };
      const connection = await connect(url, {
        recovery: { initialDelay: 1, maxDelay: 10, jitter: 0, setup },
      });
      connection.on("error", () => {});
      assert.equal(setUp, 1);
      const again = told(connection, "connect");
      cut();
      await again;
      assert.equal(setUp, 2);
      const channel = await connection.createChannel();
      await channel.assertQueue(unique("queue"), { exclusive: true });
      await connection.close();
    },
  },
  {
    name: "what is exclusive goes with its connection, and is locked for others",
    async run({ url, unique }) {
      const name = unique("queue");
      const own = await connect(url);
      await (await own.createChannel()).assertQueue(name, { exclusive: true });
      const other = await connect(url);
      const channel = await other.createChannel();
      channel.on("error", () => {});
      await assert.rejects(
        channel.checkQueue(name),
        /405 \(RESOURCE-LOCKED\).*cannot obtain exclusive access to locked queue/,
      );
      await own.close();
      const next = await other.createChannel();
      next.on("error", () => {});
      await assert.rejects(next.checkQueue(name), /NOT_FOUND/);
      await other.close();
    },
  },
];

function callbackCase(
  name: string,
  run: (channel: callbacks.Channel, done: (error?: Error | null) => void, unique: string) => void,
): ClientCase {
  return {
    name: `with callbacks: ${name}`,
    async run({ url, unique }) {
      const { promise, resolve, reject } = Promise.withResolvers<callbacks.Connection>();
      const opened = (error: unknown, connection: callbacks.Connection): void =>
        error === null ? resolve(connection) : reject(error);
      callbacks.connect(url, opened);
      const connection = await promise;
      await new Promise<void>((done, failed) => {
        const ended = (error?: Error | null): void =>
          error === undefined || error === null ? done() : failed(error);
        connection.createChannel((error, channel) =>
          error === null ? run(channel, ended, unique("callback")) : failed(error),
        );
      });
      await new Promise<void>((done) => connection.close(() => done()));
    },
  };
}

const calling: readonly ClientCase[] = [
  callbackCase("a channel opens and closes", (channel, done) => channel.close(done)),
  callbackCase("a queue is declared, found, and deleted", (channel, done, name) => {
    channel.assertQueue(name, {}, (failed, declared) => {
      assert.ifError(failed);
      assert.equal(declared.queue, name);
      channel.checkQueue(name, (error) => {
        assert.ifError(error);
        channel.deleteQueue(name, {}, done);
      });
    });
  }),
  callbackCase("an exchange is declared, found, and deleted", (channel, done, name) => {
    channel.assertExchange(name, "topic", {}, (failed, declared) => {
      assert.ifError(failed);
      assert.equal(declared.exchange, name);
      channel.checkExchange(name, (error) => {
        assert.ifError(error);
        channel.deleteExchange(name, {}, done);
      });
    });
  }),
  callbackCase("what is not there is refused, and closes the channel", (channel, done, name) => {
    let failed = false;
    channel.on("error", (error: Error) => {
      assert.match(error.message, /Channel closed by server/);
      done(failed ? undefined : new Error("the operation did not fail before"));
    });
    channel.checkExchange(name, (error) => {
      assert.match(error.message, /ExchangeDeclare; 404 \(NOT-FOUND\)/);
      failed = true;
    });
  }),
  callbackCase("exchanges and queues are bound", (channel, done, name) => {
    const options = { durable: false, autoDelete: true };
    channel.assertQueue(name, options);
    channel.assertExchange(`${name}-from`, "fanout", options);
    channel.assertExchange(`${name}-to`, "fanout", options);
    channel.bindQueue(name, `${name}-to`, "", {});
    channel.bindExchange(`${name}-to`, `${name}-from`, "", {}, (error) => {
      assert.ifError(error);
      channel.deleteQueue(name, {}, done);
    });
  }),
  ...[true, false].map((noAck) =>
    callbackCase(`a message is consumed, noAck: ${noAck}`, (channel, done) => {
      channel.assertQueue("", { exclusive: true }, (failed, { queue }) => {
        assert.ifError(failed);
        const take = (message: callbacks.ConsumeMessage | null): void => {
          assert.equal(message?.content.toString(), "hello");
          if (!noAck) channel.ack(message);
          done();
        };
        channel.consume(queue, take, { noAck, exclusive: true });
        channel.sendToQueue(queue, Buffer.from("hello"));
      });
    }),
  ),
  callbackCase("nobody consumes from what is not there", (channel, done, name) => {
    channel.on("error", () => {});
    channel.consume(
      name,
      () => {},
      {},
      (error) => {
        assert.match(error.message, /404 \(NOT-FOUND\)/);
        done();
      },
    );
  }),
];

export const amqplibConnection: readonly ClientCase[] = [...connecting, ...calling];
