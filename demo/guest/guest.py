"""Somebody from another country: asks a tower by gRPC, in Python, and knows nothing of Trunkline.

    python3 guest.py SOCKET

Reads the three letters of an airport from each line of its standard input, and answers with a line of JSON. The messages are
small enough to be written by hand (`npm run trunkline -- proto demo/contracts/tower.ts` prints their .proto file), so that
grpcio is all that it needs.
"""

import json
import sys

import grpc


def written(text):
    """AirportRequest: field 1, a string of less than 128 bytes."""
    data = text.encode()
    return b"\x0a" + bytes([len(data)]) + data


def read(data):
    """The fields of AirportResponse by number: strings, and whole numbers."""
    fields, at = {}, 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        tag = varint()
        if tag & 7 == 0:
            fields[tag >> 3] = varint()
        else:
            length = varint()
            fields[tag >> 3] = data[at : at + length].decode()
            at += length
    return fields


with grpc.insecure_channel(f"unix:{sys.argv[1]}") as channel:
    airport = channel.unary_unary("/tower.v1.Tower/Airport", written, read)
    print(json.dumps({"grpc": grpc.__version__}), flush=True)
    for line in sys.stdin:
        try:
            # A tower that is just being replaced is waited for.
            fields = airport(line.strip(), timeout=20, wait_for_ready=True)
            answer = {"iata": fields[1], "name": fields[2]}
        except grpc.RpcError as error:
            answer = {"code": error.code().name}
        print(json.dumps(answer), flush=True)
