"""Reads what we wrote, and writes the same values itself, by Google's own Protobuf for Python.

Takes JSON on stdin: the .proto files by their paths, and cases with a message's name and its bytes (base64). Compiles the
files, and prints for each case the value in the JSON of Protobuf, the bytes that it has written of the message that it
read, and those that it has written of that JSON.
"""

import base64
import importlib.resources
import json
import os
import sys
import tempfile

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.unknown_fields import UnknownFieldSet
from grpc_tools import protoc

told = json.load(sys.stdin)

with tempfile.TemporaryDirectory() as folder:
    for path, text in told["files"].items():
        os.makedirs(os.path.join(folder, os.path.dirname(path)), exist_ok=True)
        with open(os.path.join(folder, path), "w", encoding="utf8") as file:
            file.write(text)
    own = str(importlib.resources.files("grpc_tools").joinpath("_proto"))
    out = os.path.join(folder, "all.binpb")
    words = [f"-I{folder}", f"-I{own}", "--include_imports", f"--descriptor_set_out={out}"]
    if protoc.main(["protoc", *words, *told["files"]]) != 0:
        sys.exit("protoc refuses the files")
    with open(out, "rb") as file:
        files = descriptor_pb2.FileDescriptorSet.FromString(file.read())

pool = descriptor_pool.DescriptorPool()
for file in files.file:
    pool.Add(file)


def text(data):
    return base64.b64encode(data).decode()


def exchanged(case):
    make = message_factory.GetMessageClass(pool.FindMessageTypeByName(case["message"]))
    message = make()
    message.ParseFromString(base64.b64decode(case["bytes"]))
    value = json_format.MessageToDict(message, descriptor_pool=pool)
    return {
        "value": value,
        "unknown": len(UnknownFieldSet(message)),
        "read": text(message.SerializeToString(deterministic=True)),
        "made": text(json_format.ParseDict(value, make(), descriptor_pool=pool).SerializeToString(deterministic=True)),
    }


json.dump([exchanged(case) for case in told["cases"]], sys.stdout)
