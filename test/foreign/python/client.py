"""Calls the lab with rsocket-py, as its users would. Prints what it sees: a line of JSON for each step."""

import asyncio
import json
import logging
import sys
from datetime import timedelta

from reactivestreams.subscriber import Subscriber
from rsocket.extensions.helpers import authenticate_bearer, authenticate_simple, composite, route
from rsocket.extensions.mimetypes import WellKnownMimeTypes
from rsocket.helpers import single_transport_provider
from rsocket.payload import Payload
from rsocket.request_handler import BaseRequestHandler
from rsocket.rsocket_client import RSocketClient
from rsocket.streams.stream_from_generator import StreamFromGenerator
from rsocket.transports.tcp import TransportTCP

logging.disable(logging.CRITICAL)

port = int(sys.argv[1])
fragment = 1024 if "--fragment" in sys.argv else None


def tell(step, **what):
    print(json.dumps({"step": step, **what}), flush=True)


def told(error):
    code = getattr(error, "error_code", None)
    data = getattr(error, "data", None)
    if isinstance(data, (bytes, bytearray)):
        data = data.decode()
    return {"code": int(code) if code is not None else 0, "message": data or str(error)}


def request(name, given, *entries):
    return Payload(json.dumps(given).encode(), composite(route(name), *entries))


def value(payload):
    return json.loads(payload.data) if payload.data else None


class Take(Subscriber):
    """Takes `n` items at a time, `batches` times, and then cancels unless the stream has ended."""

    def __init__(self, n, batches):
        self.n, self.left, self.items = n, batches, []
        self.over = asyncio.get_event_loop().create_future()

    def on_subscribe(self, subscription):
        self.subscription = subscription

    def on_next(self, payload, is_complete=False):
        if payload.data:
            self.items.append(value(payload))
        if is_complete:
            self.end(ended="complete")
        elif len(self.items) % self.n == 0:
            self.left -= 1
            if self.left > 0:
                self.subscription.request(self.n)
            else:
                self.end(ended="cancelled")

    def on_error(self, error):
        self.end(error=told(error))

    def on_complete(self):
        self.end(ended="complete")

    def end(self, **how):
        if not self.over.done():
            self.over.set_result(how)


async def take(step, stream, n, batches):
    taking = Take(n, batches)
    stream.initial_request_n(n).subscribe(taking)
    how = await taking.over
    await asyncio.sleep(0.1)  # whoever sends more than was asked for has time to do so
    if how.get("ended") == "cancelled":
        taking.subscription.cancel()
    tell(step, items=taking.items, **how)


async def connect(metadata_encoding, handler=BaseRequestHandler):
    connection = await asyncio.open_connection("127.0.0.1", port)
    client = RSocketClient(
        single_transport_provider(TransportTCP(*connection)),
        handler_factory=handler,
        metadata_encoding=metadata_encoding,
        keep_alive_period=timedelta(milliseconds=100),
        max_lifetime_period=timedelta(seconds=2),
        fragment_size_bytes=fragment,
    )
    await client.connect()
    return client


async def main():
    client = await connect(WellKnownMimeTypes.MESSAGE_RSOCKET_COMPOSITE_METADATA)

    async def call(step, asked):
        try:
            tell(step, value=value(await client.request_response(asked)))
        except Exception as error:
            tell(step, error=told(error))

    def channel(name, first, *others):
        payloads = [Payload(json.dumps(other).encode()) for other in others]
        generator = lambda: ((payload, payload is payloads[-1]) for payload in payloads)
        return client.request_channel(request(name, first), StreamFromGenerator(generator))

    await call("echo", request("lab.echo", {"item": "kettle"}))
    await call("wire name", request("lab@1/echo", "by its wire name"))
    await call("unknown", request("lab.missing", 1))
    await call("no metadata", Payload(b"1"))
    await call("malformed", Payload(b"{", composite(route("lab.echo"))))
    await call("declared", request("lab.sell", {"item": "kettle"}))
    await call("system", request("lab.crash", None))
    await call("bearer", request("lab.describe", None, authenticate_bearer("t0k")))
    await call("simple", request("lab.describe", None, authenticate_simple("ann", "s3")))
    await client.fire_and_forget(request("lab.note", "hello"))
    await client.metadata_push(b"refresh")
    await take("all", client.request_stream(request("lab.count", 100)), 7, 10**9)
    await take("credit", client.request_stream(request("lab.count", 1_000_000)), 5, 3)
    await call("large out", request("lab.length", "x" * 1_000_000))
    blob = await client.request_response(request("lab.blob", 1_000_000))
    tell("large in", value=len(value(blob)))
    await take("duplex", channel("lab.shout", "a", "b", "c"), 8, 10**9)
    await take("upload", channel("lab.sum", 1, 2, 3, 4), 8, 10**9)
    stuck = client.request_response(request("lab.stuck", None))
    await asyncio.sleep(0.1)
    stuck.cancel()
    await asyncio.sleep(2.6)  # longer than a peer may be silent
    await call("alive", request("lab.seen", None))
    await client.close()

    refused = asyncio.get_event_loop().create_future()

    class Handler(BaseRequestHandler):
        async def on_error(self, error_code, payload):
            refused.set_result({"code": int(error_code), "message": payload.data.decode()})

    foreign = await connect(b"application/x-nobody-knows", Handler)
    tell("refused", error=await refused)
    await foreign.close()


asyncio.run(asyncio.wait_for(main(), 60))
