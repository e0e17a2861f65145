import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.rsocket.Payload;
import io.rsocket.RSocket;
import io.rsocket.RSocketErrorException;
import io.rsocket.core.RSocketConnector;
import io.rsocket.core.Resume;
import io.rsocket.metadata.AuthMetadataCodec;
import io.rsocket.metadata.TracingMetadataCodec;
import io.rsocket.metadata.WellKnownMimeType;
import io.rsocket.transport.netty.client.TcpClientTransport;
import io.rsocket.util.ByteBufPayload;
import io.rsocket.util.DefaultPayload;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.reactivestreams.Subscription;
import reactor.core.Disposable;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.util.retry.Retry;

/** Calls the lab with rsocket-java, as its users would. Prints what it sees: a line of JSON for each step. */
public final class Client {
  private static final WellKnownMimeType AUTH = WellKnownMimeType.MESSAGE_RSOCKET_AUTHENTICATION;
  private static final WellKnownMimeType TRACING = WellKnownMimeType.MESSAGE_RSOCKET_TRACING_ZIPKIN;
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private static RSocket socket;

  public static void main(String[] args) throws Exception {
    int port = Integer.parseInt(args[0]);
    RSocketConnector connector = connector(WellKnownMimeType.MESSAGE_RSOCKET_COMPOSITE_METADATA.getString());
    if (List.of(args).contains("--fragment")) connector.fragment(1_024);
    socket = connector.connect(TcpClientTransport.create("127.0.0.1", port)).block(PATIENCE);
    var allocator = ByteBufAllocator.DEFAULT;
    call("echo", Metadata.request("lab.echo", "{\"item\":\"kettle\"}"));
    call("wire name", Metadata.request("lab@1/echo", "\"by its wire name\""));
    call("unknown", Metadata.request("lab.missing", "1"));
    call("no metadata", DefaultPayload.create("1"));
    call("malformed", Metadata.request("lab.echo", "{"));
    call("declared", Metadata.request("lab.sell", "{\"item\":\"kettle\"}"));
    call("system", Metadata.request("lab.crash", "null"));
    call("bearer", Metadata.request("lab.describe", "null",
        AUTH, AuthMetadataCodec.encodeBearerMetadata(allocator, "t0k".toCharArray())));
    call("simple", Metadata.request("lab.describe", "null",
        AUTH, AuthMetadataCodec.encodeSimpleMetadata(allocator, "ann".toCharArray(), "s3".toCharArray())));
    call("trace", Metadata.request("lab.describe", "null", TRACING,
        TracingMetadataCodec.encode128(allocator, 0x4bf92f3577b34da6L, 0xa3ce929d0e0e4736L, 0x00f067aa0ba902b7L,
            TracingMetadataCodec.Flags.SAMPLE)));
    call("short trace", Metadata.request("lab.describe", "null", TRACING,
        TracingMetadataCodec.encode64(allocator, 0xa3ce929d0e0e4736L, 0x00f067aa0ba902b7L, 0x11L,
            TracingMetadataCodec.Flags.DEBUG)));
    socket.fireAndForget(Metadata.request("lab.note", "\"hello\"")).block(PATIENCE);
    socket.metadataPush(ByteBufPayload.create(Unpooled.EMPTY_BUFFER, Unpooled.copiedBuffer("refresh", StandardCharsets.UTF_8)))
        .block(PATIENCE);
    take("all", socket.requestStream(Metadata.request("lab.count", "100")), 7, Integer.MAX_VALUE);
    take("credit", socket.requestStream(Metadata.request("lab.count", "1000000")), 5, 3);
    call("large out", Metadata.request("lab.length", Metadata.quoted("x".repeat(1_000_000))));
    String blob = socket.requestResponse(Metadata.request("lab.blob", "1000000")).block(PATIENCE).getDataUtf8();
    tell("large in", "\"value\":" + (blob.length() - 2));
    take("duplex", socket.requestChannel(items("lab.shout", "\"a\"", "\"b\"", "\"c\"")), 8, Integer.MAX_VALUE);
    take("upload", socket.requestChannel(items("lab.sum", "1", "2", "3", "4")), 8, Integer.MAX_VALUE);
    Disposable stuck = socket.requestResponse(Metadata.request("lab.stuck", "null")).subscribe();
    Thread.sleep(100);
    stuck.dispose();
    Thread.sleep(2_600); // longer than a peer may be silent
    call("alive", Metadata.request("lab.seen", "null"));
    socket.dispose();

    refused("refused", port, connector("application/x-nobody-knows"));
    refused("resume", port, connector(WellKnownMimeType.MESSAGE_RSOCKET_COMPOSITE_METADATA.getString())
        .resume(new Resume().retry(Retry.max(1))));
    System.exit(0);
  }

  private static RSocketConnector connector(String metadataMime) {
    return RSocketConnector.create()
        .metadataMimeType(metadataMime)
        .dataMimeType(WellKnownMimeType.APPLICATION_JSON.getString())
        .keepAlive(Duration.ofMillis(100), Duration.ofSeconds(2));
  }

  private static Flux<Payload> items(String route, String first, String... others) {
    return Flux.concat(
        Flux.just(Metadata.request(route, first)), Flux.fromArray(others).map(DefaultPayload::create));
  }

  private static void refused(String step, int port, RSocketConnector connector) {
    try {
      RSocket socket = connector.connect(TcpClientTransport.create("127.0.0.1", port)).block(PATIENCE);
      socket.requestResponse(DefaultPayload.create("1")).block(PATIENCE);
      tell(step, "\"value\":true");
    } catch (Throwable error) {
      tell(step, told(error));
    }
  }

  private static void call(String step, Payload request) {
    try {
      tell(step, "\"value\":" + socket.requestResponse(request).block(PATIENCE).getDataUtf8());
    } catch (Throwable error) {
      tell(step, told(error));
    }
  }

  /** Takes {@code n} items at a time, {@code batches} times, and then cancels unless the stream has ended. */
  private static void take(String step, Flux<Payload> items, int n, int batches) throws Exception {
    List<String> got = new CopyOnWriteArrayList<>();
    CountDownLatch over = new CountDownLatch(1);
    String[] how = {"\"ended\":\"cancelled\""};
    BaseSubscriber<Payload> taking = new BaseSubscriber<>() {
      private int left = batches;

      @Override
      protected void hookOnSubscribe(Subscription subscription) {
        request(n);
      }

      @Override
      protected void hookOnNext(Payload item) {
        got.add(item.getDataUtf8());
        if (got.size() % n != 0) return;
        if (--left > 0) request(n);
        else over.countDown();
      }

      @Override
      protected void hookOnError(Throwable error) {
        how[0] = told(error);
        over.countDown();
      }

      @Override
      protected void hookOnComplete() {
        how[0] = "\"ended\":\"complete\"";
        over.countDown();
      }
    };
    items.subscribe(taking);
    over.await();
    Thread.sleep(100); // whoever sends more than was asked for has time to do so
    taking.cancel();
    tell(step, "\"items\":[" + String.join(",", got) + "]," + how[0]);
  }

  private static String told(Throwable error) {
    int code = error instanceof RSocketErrorException known ? known.errorCode() : 0;
    return "\"error\":{\"code\":" + code + ",\"message\":" + Metadata.quoted(error.getMessage()) + "}";
  }

  private static synchronized void tell(String step, String what) {
    System.out.println("{\"step\":" + Metadata.quoted(step) + "," + what + "}");
  }
}
