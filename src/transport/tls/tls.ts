import { milliseconds } from "../../base/duration.ts";
import { systemError } from "../../base/error.ts";
import { framed } from "../framed.ts";
import { framesAlpn, listenFrames, type MoverOf } from "../framed-sockets.ts";
import { frameBytesLimit } from "../outgoing-bounds.ts";
import { hostMoverOf, sameHostSettings } from "../same-host/index.ts";
import { SocketStream } from "../socket-stream.ts";
import { systemLookup } from "../tcp/lookup.ts";
import type { Sockets, Transport } from "../transport.ts";
import { dialTls } from "./dial.ts";
import { listenTls } from "./listen.ts";
import { Material } from "./material.ts";
import type { TlsMaterial, TlsOptions } from "./options.ts";
import type { Settings } from "./settings.ts";

export interface TlsTransport extends Transport {
  /**
   * Takes new texts, or reads the files again; connections that are made from now on use them, those that are open stay
   * as they are. Throws, and leaves all as it was, when they cannot be used.
   */
  reload(material?: TlsMaterial): void;
}

/**
 * Connections over TLS 1.3 or 1.2: `tls://orders.internal:7400`. Who dials knows that it speaks with the host that it named,
 * or with `serverName`; with `clientCertificate` the listener knows its peers too, and `peer.certificate` tells who
 * they are. Otherwise it is like `tcp`.
 *
 * `dial` rejects like that of `tcp`, always with `executed: "no"`, and with UNAUTHENTICATED when the server's certificate cannot
 * be trusted or ours is missing or refused; UNAVAILABLE when the server does not speak TLS or hangs up.
 * `listen` rejects like that of `tcp`, and with INVALID_ARGUMENT when certificate and key are missing or do not fit.
 */
export function tls(options: TlsOptions = {}): TlsTransport {
  const settings = complete(options);
  const moverOf: MoverOf = (socket, dialled, env) =>
    hostMoverOf("tls", settings.sameHost, socket, dialled, env);
  const sockets: Sockets = {
    dial: (address, dialOptions, env) => dialTls(address, dialOptions, settings, env),
    listen: (address, accept, listenOptions, env) =>
      listenTls(address, accept, listenOptions, settings, env),
  };
  return {
    name: "tls",
    capabilities: {
      ordered: true,
      reliable: true,
      frameBytesMax: frameBytesLimit,
      crossProcess: true,
      crossHost: true,
      noticesDeath: false,
    },
    dial: async (address, dialOptions, env) => {
      const { until } = dialOptions;
      const { socket, peer } = await sockets.dial(address, { until, alpn: framesAlpn }, env);
      const stream = SocketStream.over(socket, env);
      const mover = moverOf(stream, true, env);
      return framed(mover?.stream ?? stream, peer, dialOptions, env, mover);
    },
    listen: (address, accept, listenOptions, env) =>
      listenFrames(sockets, address, accept, listenOptions, env, moverOf),
    sockets,
    reload: (material) => settings.material.reload(material),
  };
}

/** With the defaults. What contradicts itself is refused here; certificates are looked at when they are needed. */
function complete(options: TlsOptions): Settings {
  const { cert, key, ca, files, passphrase, serverName } = options;
  const { clientCertificate = "none", versionMin = "TLSv1.2" } = options;
  const { handshake = "10s", lookup = systemLookup } = options;
  if (files !== undefined && (cert ?? key ?? ca) !== undefined) {
    throw invalid("certificates are given as texts and as files", "give all of them one way");
  }
  const given = files ?? { cert, key, ca };
  if ((given.cert === undefined) !== (given.key === undefined)) {
    const missing = given.cert === undefined ? "cert" : "key";
    throw invalid(`${missing} is missing`, "cert and key belong together: give both or none");
  }
  if (clientCertificate !== "none" && given.ca === undefined) {
    throw invalid(
      `clientCertificate is "${clientCertificate}" without ca`,
      "give the authority that issues the certificates of your clients",
    );
  }
  return {
    material: new Material({ cert, key, ca }, files, passphrase, versionMin),
    clientCertificate,
    serverName,
    handshakeMs: milliseconds(handshake),
    lookup,
    sameHost: sameHostSettings(options.sameHost),
  };
}

function invalid(reason: string, advice: string): Error {
  return systemError("INVALID_ARGUMENT", `tls(): ${reason}`, { executed: "no", advice });
}
