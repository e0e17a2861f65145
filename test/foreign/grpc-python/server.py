"""Serves the lab by grpcio, as its users would. Prints its port."""

import sys
import threading
from concurrent import futures

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from lab.v1 import lab_pb2 as pb
from lab.v1 import lab_pb2_grpc

seen = []


def fail(context, code, message, *details):
    packed = []
    for detail in details:
        any_detail = any_pb2.Any()
        any_detail.Pack(detail)
        packed.append(any_detail)
    status = status_pb2.Status(code=code.value[0], message=message, details=packed)
    context.abort_with_status(rpc_status.to_status(status))


class Lab(lab_pb2_grpc.LabServicer):
    def Echo(self, request, context):
        if context.invocation_metadata() and "compress" in dict(context.invocation_metadata()):
            context.set_compression(grpc.Compression.Gzip)
        return pb.EchoResponse(
            text=request.text, count=request.count, flag=request.flag, tags=request.tags
        )

    def Blob(self, request, context):
        return pb.BlobResponse(text="x" * request.letters)

    def Sell(self, request, context):
        if request.item == "unknown":
            fail(context, grpc.StatusCode.NOT_FOUND, "not here", pb.SellNotFoundError(item="unknown"))
        if request.item == "nothing":
            info = error_details_pb2.ErrorInfo(
                reason="EMPTY", domain="lab", metadata={"declared": "true"}
            )
            fail(context, grpc.StatusCode.FAILED_PRECONDITION, "empty", info)
        fail(
            context,
            grpc.StatusCode.FAILED_PRECONDITION,
            "sold out: ü 100 %",
            pb.SellSoldOutError(item=request.item),
        )

    def Crash(self, request, context):
        raise RuntimeError("it fell over")

    def Busy(self, request, context):
        context.abort(grpc.StatusCode.UNAVAILABLE, "no room")

    def Stuck(self, request, context):
        seen.append("stuck")
        over = threading.Event()
        context.add_callback(over.set)
        over.wait(60)
        seen.append("stuck cancelled")
        return pb.StuckResponse()

    def Beside(self, request, context):
        metadata = {
            key: value if isinstance(value, str) else value.hex()
            for key, value in context.invocation_metadata()
        }
        left = context.time_remaining()
        return pb.BesideResponse(
            headers=metadata, trace=metadata.get("traceparent", ""), timed=left is not None
        )

    def Seen(self, request, context):
        return pb.SeenResponse(what=seen)

    def Note(self, request, context):
        seen.append(f"note {request.text}")
        return pb.NoteResponse()

    def Count(self, request, context):
        ended = threading.Event()
        context.add_callback(lambda: ended.is_set() or seen.append("count cancelled"))
        for number in range(request.to):
            if not context.is_active():
                return
            yield pb.CountResponse(number=number)
        ended.set()

    def Stumble(self, request, context):
        for number in range(request.after):
            yield pb.StumbleResponse(number=number)
        fail(
            context,
            grpc.StatusCode.FAILED_PRECONDITION,
            "sold out",
            pb.StumbleSoldOutError(item="kettle"),
        )

    def Sum(self, requests, context):
        return pb.SumResponse(sum=sum(each.number for each in requests))

    def Join(self, requests, context):
        separator = next(requests).head.separator
        return pb.JoinResponse(text=separator.join(each.item.text for each in requests))

    def Shout(self, requests, context):
        for each in requests:
            yield pb.ShoutResponse(text=each.text.upper())


options = [("grpc.max_receive_message_length", 64 * 1024 * 1024)]
server = grpc.server(futures.ThreadPoolExecutor(max_workers=16), options=options)
lab_pb2_grpc.add_LabServicer_to_server(Lab(), server)
servicer = health.HealthServicer()
health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
servicer.set("lab.v1.Lab", health_pb2.HealthCheckResponse.SERVING)
port = server.add_insecure_port("127.0.0.1:0")
server.start()
print(port, flush=True)
server.wait_for_termination()
