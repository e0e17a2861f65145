"""Calls the lab by grpcio, as its users would. Prints what it saw, one step a line."""

import json
import sys
import threading
import time

import grpc
from google.protobuf import descriptor_pb2
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

from lab.v1 import lab_pb2 as pb
from lab.v1 import lab_pb2_grpc

options = [("grpc.max_receive_message_length", 64 * 1024 * 1024)]
channel = grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}", options=options)
lab = lab_pb2_grpc.LabStub(channel)


def say(step, **seen):
    print(json.dumps({"step": step, **seen}), flush=True)


def sample():
    return pb.EchoRequest(text="ü😀", count=-7, flag=True, tags=["a", ""])


def fields(echo):
    return {"text": echo.text, "count": echo.count, "flag": echo.flag, "tags": list(echo.tags)}


def failure(error):
    trailers = dict(error.trailing_metadata() or ())
    seen = {
        "code": error.code().name,
        "message": error.details(),
        "executed": trailers.get("trunkline-executed"),
        "told": trailers.get("trunkline-code"),
    }
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        for message in (pb.SellSoldOutError(), pb.SellNotFoundError(), pb.StumbleSoldOutError()):
            if detail.Is(message.DESCRIPTOR):
                detail.Unpack(message)
                seen["data"] = {"item": message.item}
        info = error_details_pb2.ErrorInfo()
        if detail.Is(info.DESCRIPTOR):
            detail.Unpack(info)
            seen["info"] = [info.reason, info.domain, dict(info.metadata)]
    return seen


def fails(step, call):
    try:
        call()
        say(step, value="it succeeded")
    except grpc.RpcError as error:
        say(step, failure=failure(error))


def until(met):
    for _ in range(2_000):
        if met():
            return
        time.sleep(0.005)
    raise SystemExit("it never came to this")


def happened():
    return list(lab.Seen(pb.SeenRequest()).what)


say("echo", value=fields(lab.Echo(sample(), timeout=30)))
say("large", value=len(lab.Blob(pb.BlobRequest(letters=3_000_000)).text))
say(
    "compressed",
    value=fields(lab.Echo(sample(), compression=grpc.Compression.Gzip)),
    letters=len(lab.Blob(pb.BlobRequest(letters=100_000), compression=grpc.Compression.Deflate).text),
)
for item in ("kettle", "unknown", "nothing"):
    fails(item, lambda item=item: lab.Sell(pb.SellRequest(item=item)))
fails("crash", lambda: lab.Crash(pb.CrashRequest()))
fails("busy", lambda: lab.Busy(pb.BusyRequest()))
fails("too large", lambda: lab.Echo(pb.EchoRequest(text="x" * 5_000_000)))
fails(
    "unknown method",
    lambda: channel.unary_unary("/lab.v1.Lab/Nowhere", lambda x: x, lambda x: x)(b""),
)

metadata = (
    ("tenant", "acme"),
    ("data-bin", b"\x00\x01\x02"),
    ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
)
beside = lab.Beside(pb.BesideRequest(), metadata=metadata, timeout=60)
say("beside", value={"headers": dict(beside.headers), "trace": beside.trace, "timed": beside.timed})

fails("deadline", lambda: lab.Stuck(pb.StuckRequest(), timeout=0.1))
stuck = lab.Stuck.future(pb.StuckRequest())
until(lambda: happened().count("stuck") == 2)
stuck.cancel()
until(lambda: len([what for what in happened() if what.startswith("stuck ")]) == 2)
say("stuck", items=[what for what in happened() if what.startswith("stuck")])

lab.Note(pb.NoteRequest(text="hello"))
say("note", value="note hello" in happened())

say("count", items=[each.number for each in lab.Count(pb.CountRequest(to=3_000))])
numbers = []


def stumble():
    for each in lab.Stumble(pb.StumbleRequest(after=5)):
        numbers.append(each.number)


fails("stumble", stumble)
say("stumbled", items=numbers)
counting = lab.Count(pb.CountRequest(to=1_000_000_000))
for each in counting:
    if each.number == 5_000:
        break
counting.cancel()
until(lambda: "count cancelled" in happened())
say("count cancelled", value=True)

say("sum", value=lab.Sum(iter([pb.SumRequest(number=number) for number in range(2_000)])).sum)
parts = [pb.JoinRequest(head=pb.JoinRequestHead(separator="-"))]
parts += [pb.JoinRequest(item=pb.JoinRequestItem(text=text)) for text in "abc"]
say("join", value=lab.Join(iter(parts)).text)
fails("headless", lambda: lab.Join(iter(parts[1:])))
gone = threading.Event()


def half():
    yield pb.SumRequest(number=1)
    gone.wait(30)


cut = lab.Sum.future(half())
time.sleep(0.05)
cut.cancel()
gone.set()
until(lambda: "sum CANCELLED" in happened())
say("upload cancelled", value=True)

heard = threading.Semaphore(1)


def says():
    for text in "abc":
        heard.acquire(timeout=30)
        yield pb.ShoutRequest(text=text)


shouted = []
for each in lab.Shout(says()):
    shouted.append(each.text)
    heard.release()
say("shout", items=shouted)

health = health_pb2_grpc.HealthStub(channel)
ask = health_pb2.HealthCheckRequest
say(
    "health",
    items=[health.Check(ask(service=service)).status for service in ("", "lab.v1.Lab")],
)
fails("health of a stranger", lambda: health.Check(ask(service="nobody")))
watching = health.Watch(ask(service="lab.v1.Lab"))
say("watch", value=next(watching).status)
watching.cancel()
watching = health.Watch(ask(service="nobody"))
say("watch a stranger", value=next(watching).status)
watching.cancel()

question = reflection_pb2.ServerReflectionRequest
reflection = reflection_pb2_grpc.ServerReflectionStub(channel)
answers = list(
    reflection.ServerReflectionInfo(
        iter(
            [
                question(list_services=""),
                question(file_containing_symbol="lab.v1.Lab.Echo"),
                question(file_by_filename="lab/v1/lab.proto"),
                question(file_containing_symbol="nobody"),
            ]
        )
    )
)
names = [each.name for each in answers[0].list_services_response.service]
files = []
for answer in answers[1:3]:
    for each in answer.file_descriptor_response.file_descriptor_proto:
        files.append(descriptor_pb2.FileDescriptorProto.FromString(each).name)
say("reflection", items=[names, files, answers[3].error_response.error_code])
