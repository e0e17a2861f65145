import { parseArgs } from "node:util";

export interface Settings {
  readonly seconds: number;
  readonly towers: number;
  readonly desks: number;
  /** Brokers that carry the messages; none: one in memory. */
  readonly brokers: readonly string[];
  /** Where the counters of the exchange keep their totals: `sqlite`, `postgres`, `mariadb`, an address, `none`. */
  readonly store: string;
  /** Addresses of the processes are `tcp://127.0.0.1` instead of socket files. */
  readonly tcp: boolean;
  readonly storm: boolean;
  readonly json: boolean;
}

const numbers = {
  seconds: { default: 20, min: 3, max: 3_600 },
  towers: { default: 3, min: 2, max: 16 },
  desks: { default: 4, min: 1, max: 16 },
} as const;

export const usage = `npm run demo -- [--seconds 20] [--towers 3] [--desks 4] [--broker ADDRESS]… [--store NAME] [--tcp] [--storm] [--json]

  --seconds  how long the three months of flights take (${range("seconds")})
  --towers   how many towers share the work (${range("towers")}): one is killed, another one rolled
  --desks    how many desks clear flights (${range("desks")})
  --broker   what carries the flights as messages too: rabbitmq or kafka (the one that \`npm run servers -- start\` has started), or an
             address, amqp://host or kafka://host:9092; can be given several times. Without it: the embedded broker, in a folder
  --store    the database in which the counters keep their totals, with an inbox and an outbox: sqlite (the default, a file), postgres or
             mariadb (those of \`npm run servers\`), an address, postgres://host/database, or none: in files, without transactions
  --tcp      the processes listen on tcp://127.0.0.1 instead of unix: their connections leave TCP by themselves, for shared memory
  --storm    afterwards three replicas of one service, found by its name, are killed, rolled and frozen under load, and their
             registry is taken away; freezes are 7 s each, and shorter when --seconds is less than 20
  --json     prints the result as one line of JSON; everything else goes to stderr`;

/** What the command line says; throws an Error for a person. */
export function readSettings(args: readonly string[]): Settings | "help" {
  const text = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: text,
      towers: text,
      desks: text,
      broker: { type: "string", multiple: true, default: [] },
      store: { type: "string", default: "sqlite" },
      tcp: flag,
      storm: flag,
      json: flag,
      help: flag,
    },
  });
  if (values.help) return "help";
  return {
    seconds: numberOf("seconds", values.seconds),
    towers: numberOf("towers", values.towers),
    desks: numberOf("desks", values.desks),
    brokers: values.broker,
    store: values.store,
    tcp: values.tcp,
    storm: values.storm,
    json: values.json,
  };
}

function numberOf(name: keyof typeof numbers, text: string | undefined): number {
  if (text === undefined) return numbers[name].default;
  const { min, max } = numbers[name];
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new Error(`--${name} ${text}: must be a whole number, ${range(name)}`);
}

function range(name: keyof typeof numbers): string {
  return `${numbers[name].min} to ${numbers[name].max}`;
}
