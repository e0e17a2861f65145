// Opens connections of AMQP with a channel each and leaves them idle: `idle-connections.ts PORT COUNT`.
import { answer } from "../child.ts";
import { RawConnection } from "./raw-connection.ts";

const [port, count] = process.argv.slice(2).map(Number);
const place = { port: port!, user: "guest", password: "guest" };
/** What is said while one is opened is short. */
const readBytes = 16_384;
const atOnce = 20;

let opened = 0;
const lane = async (): Promise<void> => {
  while (opened++ < count!) await RawConnection.open(place, readBytes);
};
await Promise.all(Array.from({ length: atOnce }, lane));

answer(async () => undefined);
