"""Calls the lab with rsocket-py in CBOR, which its SETUP names, as libraries that prefer it do. Prints what it sees as JSON."""

import asyncio
import json
import logging
import sys

import cbor2
from rsocket.awaitable.awaitable_rsocket import AwaitableRSocket
from rsocket.extensions.helpers import composite, route
from rsocket.extensions.mimetypes import WellKnownMimeTypes
from rsocket.helpers import single_transport_provider
from rsocket.payload import Payload
from rsocket.rsocket_client import RSocketClient
from rsocket.transports.tcp import TransportTCP

logging.disable(logging.CRITICAL)


def request(name, given):
    return Payload(cbor2.dumps(given), composite(route(name)))


async def main():
    transport = TransportTCP(*await asyncio.open_connection("127.0.0.1", int(sys.argv[1])))
    async with RSocketClient(
        single_transport_provider(transport),
        metadata_encoding=WellKnownMimeTypes.MESSAGE_RSOCKET_COMPOSITE_METADATA,
        data_encoding=WellKnownMimeTypes.APPLICATION_CBOR,
    ) as client:
        socket = AwaitableRSocket(client)
        given = {"item": "kettle", "of": [1, -0.5, None, True, {}]}
        echo = cbor2.loads((await socket.request_response(request("lab.echo", given))).data)
        items = await socket.request_stream(request("lab.count", 20))
        print(json.dumps({"echo": echo, "count": [cbor2.loads(item.data) for item in items]}))


asyncio.run(main())
