"""Serves the lab with rsocket-py, as its users would. Prints the port that it listens on."""

import asyncio
import json
import logging
import sys

from reactivestreams.publisher import DefaultPublisher
from reactivestreams.subscriber import DefaultSubscriber
from reactivestreams.subscription import DefaultSubscription
from rsocket.extensions.authentication_content import AuthenticationContent
from rsocket.extensions.composite_metadata import CompositeMetadata
from rsocket.extensions.helpers import require_route
from rsocket.helpers import create_future
from rsocket.payload import Payload
from rsocket.routing.request_router import RequestRouter
from rsocket.routing.routing_request_handler import RoutingRequestHandler
from rsocket.rsocket_server import RSocketServer
from rsocket.transports.tcp import TransportTCP

logging.disable(logging.CRITICAL)

seen = []
router = RequestRouter()


def encoded(output):
    return Payload(json.dumps(output).encode())


def value(payload):
    return json.loads(payload.data)


@router.response("lab.echo")
async def echo(payload):
    return create_future(Payload(payload.data))


@router.response("lab.length")
async def length(payload):
    return create_future(encoded(len(value(payload))))


@router.response("lab.blob")
async def blob(payload):
    return create_future(encoded("x" * value(payload)))


@router.response("lab.seen")
async def tell_seen(payload):
    return create_future(encoded(seen))


@router.response("lab.describe")
async def describe(payload, composite_metadata: CompositeMetadata):
    authentication = None
    for item in composite_metadata.items:
        if isinstance(item, AuthenticationContent):
            given = item.authentication
            authentication = f"bearer {given.token.decode()}" if hasattr(given, "token") \
                else f"simple {given.username.decode()} {given.password.decode()}"
    return create_future(encoded({
        "route": require_route(composite_metadata),
        "authentication": authentication,
        "mimes": [bytes(item.encoding).decode() for item in composite_metadata.items],
    }))


@router.response("lab.sell")
async def sell(payload):
    raise Exception(json.dumps({
        "code": "SOLD_OUT", "executed": "yes", "reason": "sold out", "declared": True,
        "data": {"item": "kettle"},
    }))


@router.response("lab.crash")
async def crash(payload):
    raise Exception("it fell over")


@router.response("lab.stuck")
async def stuck(payload):
    seen.append("stuck")
    future = asyncio.get_event_loop().create_future()
    future.add_done_callback(lambda done: seen.append("stuck cancelled") if done.cancelled() else None)
    return future


@router.fire_and_forget("lab.note")
async def note(payload):
    seen.append(f"note {value(payload)}")


class Count(DefaultPublisher, DefaultSubscription):
    """Numbers below `to`, as many as are asked for."""

    def __init__(self, to):
        self.to, self.next, self.granted = to, 0, 0
        self.subscriber = None

    def subscribe(self, subscriber):
        self.subscriber = subscriber
        subscriber.on_subscribe(self)

    def request(self, n):
        self.granted += n
        for _ in range(n):
            if self.next == self.to:
                return
            self.next += 1
            self.subscriber.on_next(encoded(self.next - 1), is_complete=self.next == self.to)

    def cancel(self):
        seen.append(f"count cancelled: {self.granted} granted, {self.next} sent")


@router.stream("lab.count")
async def count(payload):
    return Count(value(payload))


class Channel(DefaultPublisher, DefaultSubscriber, DefaultSubscription):
    """Takes what comes and answers with it: `shout` each item, `sum` all of them."""

    def __init__(self, route, first):
        super().__init__()
        self.route, self.first, self.sum, self.ready = route, first, 0, []
        self.granted, self.ended = 0, False
        self.answers = None

    # What we answer.
    def subscribe(self, subscriber):
        self.answers = subscriber
        subscriber.on_subscribe(self)

    def request(self, n):
        self.granted += n
        if self.first is not None:
            first, self.first = self.first, None
            self.take(first)
        self.flush()

    def cancel(self):
        seen.append("channel cancelled")

    # What is sent to us.
    def on_subscribe(self, subscription):
        self.subscription = subscription
        subscription.request(1)

    def on_next(self, payload, is_complete=False):
        if payload.data:
            self.take(payload)
        if is_complete:
            self.on_complete()
        else:
            self.subscription.request(1)
        self.flush()

    def on_complete(self):
        if self.ended:
            return
        self.ended = True
        if self.route == "lab.sum":
            self.ready.append(self.sum)
        self.flush()

    def on_error(self, exception):
        seen.append(f"channel failed: {exception}")

    def take(self, payload):
        if self.route == "lab.sum":
            self.sum += value(payload)
        else:
            self.ready.append(value(payload).upper())

    def flush(self):
        while self.ready and self.granted > 0 and self.answers is not None:
            self.granted -= 1
            self.answers.on_next(encoded(self.ready.pop(0)))
        if self.ended and not self.ready and self.answers is not None:
            answers, self.answers = self.answers, None
            answers.on_complete()


def channel(route):
    @router.channel(route)
    async def serve(payload):
        both = Channel(route, payload)
        return both, both


channel("lab.sum")
channel("lab.shout")


class Handler(RoutingRequestHandler):
    async def on_metadata_push(self, payload):
        seen.append(f"push {payload.metadata.decode()}")


async def main():
    size = 1024 if "--fragment" in sys.argv else None

    def session(*connection):
        RSocketServer(TransportTCP(*connection), handler_factory=lambda: Handler(router), fragment_size_bytes=size)

    server = await asyncio.start_server(session, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


asyncio.run(main())
