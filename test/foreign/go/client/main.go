// Calls the lab by grpc-go, as its users would. Prints what it saw, one step a line.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	pb "trunkline.test/lab/labv1"
)

type seen = map[string]any

func say(step string, what seen) {
	what["step"] = step
	line, err := json.Marshal(what)
	check(err)
	fmt.Println(string(line))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var names = map[codes.Code]string{
	codes.Canceled: "CANCELLED", codes.InvalidArgument: "INVALID_ARGUMENT", codes.DeadlineExceeded: "DEADLINE_EXCEEDED",
	codes.NotFound: "NOT_FOUND", codes.ResourceExhausted: "RESOURCE_EXHAUSTED", codes.FailedPrecondition: "FAILED_PRECONDITION",
	codes.Unimplemented: "UNIMPLEMENTED", codes.Internal: "INTERNAL", codes.Unavailable: "UNAVAILABLE",
}

func failure(err error, trailers metadata.MD) seen {
	told := status.Convert(err)
	what := seen{"code": names[told.Code()], "message": told.Message()}
	if found := trailers.Get("trunkline-executed"); len(found) > 0 {
		what["executed"] = found[0]
	}
	if found := trailers.Get("trunkline-code"); len(found) > 0 {
		what["told"] = found[0]
	}
	for _, detail := range told.Details() {
		switch message := detail.(type) {
		case *pb.SellSoldOutError:
			what["data"] = seen{"item": message.Item}
		case *pb.SellNotFoundError:
			what["data"] = seen{"item": message.Item}
		case *pb.StumbleSoldOutError:
			what["data"] = seen{"item": message.Item}
		case *errdetails.ErrorInfo:
			what["info"] = []any{message.Reason, message.Domain, message.Metadata}
		}
	}
	return what
}

func fails(step string, call func(grpc.CallOption) error) {
	var trailers metadata.MD
	err := call(grpc.Trailer(&trailers))
	if err == nil {
		say(step, seen{"value": "it succeeded"})
		return
	}
	say(step, seen{"failure": failure(err, trailers)})
}

func until(met func() bool) {
	for tries := 0; tries < 2000; tries++ {
		if met() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	check(fmt.Errorf("it never came to this"))
}

func fields(echo *pb.EchoResponse) seen {
	return seen{"text": echo.Text, "count": echo.Count, "flag": echo.Flag, "tags": echo.Tags}
}

func main() {
	channel, err := grpc.NewClient("127.0.0.1:"+os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallSendMsgSize(64<<20)))
	check(err)
	defer channel.Close()
	lab := pb.NewLabClient(channel)
	background := context.Background()
	happened := func() []string {
		answer, err := lab.Seen(background, &pb.SeenRequest{})
		check(err)
		return answer.What
	}
	count := func(prefix string) int {
		found := 0
		for _, what := range happened() {
			if strings.HasPrefix(what, prefix) {
				found++
			}
		}
		return found
	}
	calls(lab, channel)
	times(lab, happened, count)
	streams(lab, count)
	services(channel)
}

func calls(lab pb.LabClient, channel *grpc.ClientConn) {
	background := context.Background()
	sample := &pb.EchoRequest{Text: "ü😀", Count: -7, Flag: true, Tags: []string{"a", ""}}
	echo, err := lab.Echo(background, sample)
	check(err)
	say("echo", seen{"value": fields(echo)})
	blob, err := lab.Blob(background, &pb.BlobRequest{Letters: 3_000_000})
	check(err)
	say("large", seen{"value": len(blob.Text)})
	zipped := grpc.UseCompressor(gzip.Name)
	echo, err = lab.Echo(background, sample, zipped)
	check(err)
	blob, err = lab.Blob(background, &pb.BlobRequest{Letters: 100_000}, zipped)
	check(err)
	say("compressed", seen{"value": fields(echo), "letters": len(blob.Text)})
	for _, item := range []string{"kettle", "unknown", "nothing"} {
		fails(item, func(option grpc.CallOption) error {
			_, err := lab.Sell(background, &pb.SellRequest{Item: item}, option)
			return err
		})
	}
	fails("crash", func(option grpc.CallOption) error {
		_, err := lab.Crash(background, &pb.CrashRequest{}, option)
		return err
	})
	fails("busy", func(option grpc.CallOption) error {
		_, err := lab.Busy(background, &pb.BusyRequest{}, option)
		return err
	})
	fails("too large", func(option grpc.CallOption) error {
		_, err := lab.Echo(background, &pb.EchoRequest{Text: strings.Repeat("x", 5_000_000)}, option)
		return err
	})
	fails("unknown method", func(option grpc.CallOption) error {
		return channel.Invoke(background, "/lab.v1.Lab/Nowhere", &pb.CrashRequest{}, &pb.CrashResponse{}, option)
	})
	sent := metadata.AppendToOutgoingContext(background, "tenant", "acme", "data-bin", "\x00\x01\x02",
		"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	timed, over := context.WithTimeout(sent, time.Minute)
	defer over()
	beside, err := lab.Beside(timed, &pb.BesideRequest{})
	check(err)
	say("beside", seen{"value": seen{"headers": beside.Headers, "trace": beside.Trace, "timed": beside.Timed}})
}

func times(lab pb.LabClient, happened func() []string, count func(string) int) {
	background := context.Background()
	fails("deadline", func(option grpc.CallOption) error {
		timed, over := context.WithTimeout(background, 100*time.Millisecond)
		defer over()
		_, err := lab.Stuck(timed, &pb.StuckRequest{}, option)
		return err
	})
	given, giveUp := context.WithCancel(background)
	go lab.Stuck(given, &pb.StuckRequest{})
	until(func() bool { return count("stuck")-count("stuck ") == 2 })
	giveUp()
	until(func() bool { return count("stuck ") == 2 })
	stuck := []string{}
	for _, what := range happened() {
		if strings.HasPrefix(what, "stuck") {
			stuck = append(stuck, what)
		}
	}
	say("stuck", seen{"items": stuck})
	_, err := lab.Note(background, &pb.NoteRequest{Text: "hello"})
	check(err)
	say("note", seen{"value": count("note hello") == 1})
}

func streams(lab pb.LabClient, count func(string) int) {
	background := context.Background()
	counting, err := lab.Count(background, &pb.CountRequest{To: 3_000})
	check(err)
	numbers := []int32{}
	for {
		each, err := counting.Recv()
		if err == io.EOF {
			break
		}
		check(err)
		numbers = append(numbers, each.Number)
	}
	say("count", seen{"items": numbers})
	stumbling, err := lab.Stumble(background, &pb.StumbleRequest{After: 5})
	check(err)
	numbers = []int32{}
	for {
		each, err := stumbling.Recv()
		if err != nil {
			say("stumble", seen{"failure": failure(err, stumbling.Trailer())})
			break
		}
		numbers = append(numbers, each.Number)
	}
	say("stumbled", seen{"items": numbers})
	given, giveUp := context.WithCancel(background)
	counting, err = lab.Count(given, &pb.CountRequest{To: 1_000_000_000})
	check(err)
	for taken := 0; taken < 5_000; taken++ {
		_, err := counting.Recv()
		check(err)
	}
	giveUp()
	until(func() bool { return count("count cancelled") == 1 })
	say("count cancelled", seen{"value": true})

	summing, err := lab.Sum(background)
	check(err)
	for number := int32(0); number < 2_000; number++ {
		check(summing.Send(&pb.SumRequest{Number: number}))
	}
	sum, err := summing.CloseAndRecv()
	check(err)
	say("sum", seen{"value": sum.Sum})
	item := func(text string) *pb.JoinRequest {
		return &pb.JoinRequest{Part: &pb.JoinRequest_Item{Item: &pb.JoinRequestItem{Text: text}}}
	}
	joining, err := lab.Join(background)
	check(err)
	check(joining.Send(&pb.JoinRequest{Part: &pb.JoinRequest_Head{Head: &pb.JoinRequestHead{Separator: "-"}}}))
	for _, text := range []string{"a", "b", "c"} {
		check(joining.Send(item(text)))
	}
	joined, err := joining.CloseAndRecv()
	check(err)
	say("join", seen{"value": joined.Text})
	headless, err := lab.Join(background)
	check(err)
	check(headless.Send(item("a")))
	_, err = headless.CloseAndRecv()
	say("headless", seen{"failure": failure(err, headless.Trailer())})
	given, giveUp = context.WithCancel(background)
	cut, err := lab.Sum(given)
	check(err)
	check(cut.Send(&pb.SumRequest{Number: 1}))
	time.Sleep(50 * time.Millisecond)
	giveUp()
	until(func() bool { return count("sum CANCELLED") == 1 })
	say("upload cancelled", seen{"value": true})

	shouting, err := lab.Shout(background)
	check(err)
	shouted := []string{}
	for _, text := range []string{"a", "b", "c"} {
		check(shouting.Send(&pb.ShoutRequest{Text: text}))
		each, err := shouting.Recv()
		check(err)
		shouted = append(shouted, each.Text)
	}
	check(shouting.CloseSend())
	_, err = shouting.Recv()
	if err != io.EOF {
		check(fmt.Errorf("it did not end: %v", err))
	}
	say("shout", seen{"items": shouted})
}

func services(channel *grpc.ClientConn) {
	background := context.Background()
	health := grpc_health_v1.NewHealthClient(channel)
	statuses := []int32{}
	for _, service := range []string{"", "lab.v1.Lab"} {
		answer, err := health.Check(background, &grpc_health_v1.HealthCheckRequest{Service: service})
		check(err)
		statuses = append(statuses, int32(answer.Status))
	}
	say("health", seen{"items": statuses})
	fails("health of a stranger", func(option grpc.CallOption) error {
		_, err := health.Check(background, &grpc_health_v1.HealthCheckRequest{Service: "nobody"}, option)
		return err
	})
	for step, service := range map[string]string{"watch": "lab.v1.Lab", "watch a stranger": "nobody"} {
		given, giveUp := context.WithCancel(background)
		watching, err := health.Watch(given, &grpc_health_v1.HealthCheckRequest{Service: service})
		check(err)
		answer, err := watching.Recv()
		check(err)
		say(step, seen{"value": int32(answer.Status)})
		giveUp()
	}
	reflection, err := grpc_reflection_v1.NewServerReflectionClient(channel).ServerReflectionInfo(background)
	check(err)
	ask := func(question *grpc_reflection_v1.ServerReflectionRequest) *grpc_reflection_v1.ServerReflectionResponse {
		check(reflection.Send(question))
		answer, err := reflection.Recv()
		check(err)
		return answer
	}
	listed := []string{}
	list := ask(&grpc_reflection_v1.ServerReflectionRequest{
		MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_ListServices{}})
	for _, each := range list.GetListServicesResponse().Service {
		listed = append(listed, each.Name)
	}
	files := []string{}
	for _, question := range []*grpc_reflection_v1.ServerReflectionRequest{
		{MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: "lab.v1.Lab.Echo"}},
		{MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_FileByFilename{FileByFilename: "lab/v1/lab.proto"}},
	} {
		for _, bytes := range ask(question).GetFileDescriptorResponse().FileDescriptorProto {
			file := &descriptorpb.FileDescriptorProto{}
			check(proto.Unmarshal(bytes, file))
			files = append(files, file.GetName())
		}
	}
	unknown := ask(&grpc_reflection_v1.ServerReflectionRequest{
		MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: "nobody"}})
	say("reflection", seen{"items": []any{listed, files, unknown.GetErrorResponse().ErrorCode}})
}
