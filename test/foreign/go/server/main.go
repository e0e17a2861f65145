// Serves the lab by grpc-go, as its users would. Prints its port.
package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"

	pb "trunkline.test/lab/labv1"
)

type server struct {
	pb.UnimplementedLabServer
	lock sync.Mutex
	seen []string
}

func (s *server) saw(what string) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.seen = append(s.seen, what)
}

func fail(code codes.Code, message string, details ...protoadapt.MessageV1) error {
	told, err := status.New(code, message).WithDetails(details...)
	if err != nil {
		return err
	}
	return told.Err()
}

func (s *server) Echo(ctx context.Context, in *pb.EchoRequest) (*pb.EchoResponse, error) {
	if came, ok := metadata.FromIncomingContext(ctx); ok && len(came.Get("compress")) > 0 {
		if err := grpc.SetSendCompressor(ctx, gzip.Name); err != nil {
			return nil, err
		}
	}
	return &pb.EchoResponse{Text: in.Text, Count: in.Count, Flag: in.Flag, Tags: in.Tags}, nil
}

func (s *server) Blob(_ context.Context, in *pb.BlobRequest) (*pb.BlobResponse, error) {
	return &pb.BlobResponse{Text: strings.Repeat("x", int(in.Letters))}, nil
}

func (s *server) Sell(_ context.Context, in *pb.SellRequest) (*pb.SellResponse, error) {
	switch in.Item {
	case "unknown":
		return nil, fail(codes.NotFound, "not here", &pb.SellNotFoundError{Item: in.Item})
	case "nothing":
		info := &errdetails.ErrorInfo{Reason: "EMPTY", Domain: "lab", Metadata: map[string]string{"declared": "true"}}
		return nil, fail(codes.FailedPrecondition, "empty", info)
	}
	return nil, fail(codes.FailedPrecondition, "sold out: ü 100 %", &pb.SellSoldOutError{Item: in.Item})
}

func (s *server) Crash(context.Context, *pb.CrashRequest) (*pb.CrashResponse, error) {
	return nil, fmt.Errorf("it fell over")
}

func (s *server) Busy(context.Context, *pb.BusyRequest) (*pb.BusyResponse, error) {
	return nil, status.Error(codes.Unavailable, "no room")
}

func (s *server) Stuck(ctx context.Context, _ *pb.StuckRequest) (*pb.StuckResponse, error) {
	s.saw("stuck")
	<-ctx.Done()
	s.saw("stuck cancelled")
	return nil, ctx.Err()
}

func (s *server) Beside(ctx context.Context, _ *pb.BesideRequest) (*pb.BesideResponse, error) {
	headers := map[string]string{}
	came, _ := metadata.FromIncomingContext(ctx)
	for name, values := range came {
		headers[name] = values[0]
		if strings.HasSuffix(name, "-bin") {
			headers[name] = hex.EncodeToString([]byte(values[0]))
		}
	}
	_, timed := ctx.Deadline()
	return &pb.BesideResponse{Headers: headers, Trace: headers["traceparent"], Timed: timed}, nil
}

func (s *server) Seen(context.Context, *pb.SeenRequest) (*pb.SeenResponse, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	return &pb.SeenResponse{What: s.seen}, nil
}

func (s *server) Note(_ context.Context, in *pb.NoteRequest) (*pb.NoteResponse, error) {
	s.saw("note " + in.Text)
	return &pb.NoteResponse{}, nil
}

func (s *server) Count(in *pb.CountRequest, stream grpc.ServerStreamingServer[pb.CountResponse]) error {
	for number := int32(0); number < in.To; number++ {
		if err := stream.Send(&pb.CountResponse{Number: number}); err != nil {
			s.saw("count cancelled")
			return err
		}
	}
	return nil
}

func (s *server) Stumble(in *pb.StumbleRequest, stream grpc.ServerStreamingServer[pb.StumbleResponse]) error {
	for number := int32(0); number < in.After; number++ {
		if err := stream.Send(&pb.StumbleResponse{Number: number}); err != nil {
			return err
		}
	}
	return fail(codes.FailedPrecondition, "sold out", &pb.StumbleSoldOutError{Item: "kettle"})
}

func (s *server) Sum(stream grpc.ClientStreamingServer[pb.SumRequest, pb.SumResponse]) error {
	sum := int32(0)
	for {
		each, err := stream.Recv()
		if err == io.EOF {
			return stream.SendAndClose(&pb.SumResponse{Sum: sum})
		}
		if err != nil {
			return err
		}
		sum += each.Number
	}
}

func (s *server) Join(stream grpc.ClientStreamingServer[pb.JoinRequest, pb.JoinResponse]) error {
	separator := ""
	texts := []string{}
	for {
		each, err := stream.Recv()
		if err == io.EOF {
			return stream.SendAndClose(&pb.JoinResponse{Text: strings.Join(texts, separator)})
		}
		if err != nil {
			return err
		}
		if head := each.GetHead(); head != nil {
			separator = head.Separator
		} else {
			texts = append(texts, each.GetItem().Text)
		}
	}
}

func (s *server) Shout(stream grpc.BidiStreamingServer[pb.ShoutRequest, pb.ShoutResponse]) error {
	for {
		each, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(&pb.ShoutResponse{Text: strings.ToUpper(each.Text)}); err != nil {
			return err
		}
	}
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	serving := grpc.NewServer(grpc.MaxRecvMsgSize(64 << 20))
	pb.RegisterLabServer(serving, &server{})
	board := health.NewServer()
	grpc_health_v1.RegisterHealthServer(serving, board)
	board.SetServingStatus("lab.v1.Lab", grpc_health_v1.HealthCheckResponse_SERVING)
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	serving.Serve(listener)
}
