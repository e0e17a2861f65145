import { platform } from "node:os";

import type { ChassisOptions } from "../chassis/chassis.ts";
import { onSignals } from "../chassis/signals.ts";
import { tls, type TlsFiles, type TlsOptions } from "../transport/tls/index.ts";
import { UsageError, type Line, type Option } from "./command.ts";

/** The options of commands that serve. */
export const listeningOptions: Readonly<Record<string, Option>> = {
  listen: { value: "ADDRESS", multiple: true, about: "where to listen; several times for several" },
  insecure: { about: "let other hosts come without TLS" },
  cert: { value: "FILE", about: "for TLS: our certificate, PEM" },
  key: { value: "FILE", about: "its private key" },
  ca: { value: "FILE", about: "the authorities whose certificates we believe" },
  "client-cert": {
    value: "WHEN",
    about: "of peers, by --ca: none, optional, required",
  },
};

type Listening = Pick<ChassisOptions, "listen" | "insecure" | "transports" | "signals">;

/** SIGUSR2 drains, and SIGHUP reloads; but of a terminal that is closed a program ends, as people expect. */
export function signalsOf({ terminal }: Line): NonNullable<ChassisOptions["signals"]> {
  const known = platform() !== "win32";
  return { drain: known, reload: known && !terminal.typed };
}

/** Where no chassis listens to them; returns how to stop that. There is no more to be read again than is looked at all the time. */
export function onStop(line: Line, stop: () => void): () => void {
  return onSignals(signalsOf(line), { stop, force: stop, drain: stop, reload: () => {} });
}

/** What these options say to a chassis. */
export function listeningOf(line: Line): Listening {
  const listen = line.texts("listen");
  if (listen.length === 0) throw new UsageError("--listen ADDRESS is missing");
  const options = tlsOf(line);
  return {
    listen,
    insecure: line.on("insecure"),
    signals: signalsOf(line),
    ...(options === undefined ? {} : { transports: [tls(options)] }),
  };
}

/** Undefined: no option says anything of TLS. */
export function tlsOf(line: Line): TlsOptions | undefined {
  const [cert, key, ca] = [line.text("cert"), line.text("key"), line.text("ca")];
  const files: TlsFiles = {
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(ca === undefined ? {} : { ca }),
  };
  const asked = line.text("client-cert") ?? "none";
  if (asked !== "none" && asked !== "optional" && asked !== "required")
    throw new UsageError(`--client-cert is none, optional or required, not "${asked}"`);
  if (Object.keys(files).length === 0) return undefined;
  return { files, clientCertificate: asked };
}
