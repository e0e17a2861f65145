import io.rsocket.Payload;
import io.rsocket.RSocket;
import io.rsocket.SocketAcceptor;
import io.rsocket.core.RSocketServer;
import io.rsocket.exceptions.ApplicationErrorException;
import io.rsocket.exceptions.InvalidException;
import io.rsocket.exceptions.RejectedException;
import io.rsocket.exceptions.UnsupportedSetupException;
import io.rsocket.transport.netty.server.CloseableChannel;
import io.rsocket.transport.netty.server.TcpServerTransport;
import io.rsocket.util.DefaultPayload;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Serves the lab with rsocket-java, as its users would. Prints the port that it listens on. */
public final class Server implements RSocket {
  private final List<String> seen = new CopyOnWriteArrayList<>();

  public static void main(String[] args) throws Exception {
    List<String> options = List.of(args);
    RSocket lab = new Server();
    SocketAcceptor acceptor = (setup, sending) -> {
      if (options.contains("--picky") && !setup.metadataMimeType().startsWith("message/x.rsocket."))
        return Mono.error(new UnsupportedSetupException("no such metadata: " + setup.metadataMimeType()));
      return Mono.just(lab);
    };
    RSocketServer server = RSocketServer.create(acceptor);
    if (options.contains("--fragment")) server.fragment(1_024);
    CloseableChannel channel = server.bindNow(TcpServerTransport.create("127.0.0.1", 0));
    System.out.println(channel.address().getPort());
    channel.onClose().block();
  }

  @Override
  public Mono<Void> fireAndForget(Payload request) {
    seen.add("note " + Metadata.unquoted(request.getDataUtf8()));
    return Mono.empty();
  }

  @Override
  public Mono<Payload> requestResponse(Payload request) {
    String json = request.getDataUtf8();
    Metadata said = Metadata.of(request);
    switch (said.route) {
      case "lab.echo": return answer(json);
      case "lab.length": return answer(String.valueOf(Metadata.unquoted(json).length()));
      case "lab.blob": return answer(Metadata.quoted("x".repeat(Integer.parseInt(json))));
      case "lab.seen": return answer(Metadata.list(seen));
      case "lab.describe": return answer(said.json());
      case "lab.sell":
        return Mono.error(new ApplicationErrorException(
            "{\"code\":\"SOLD_OUT\",\"executed\":\"yes\",\"reason\":\"sold out\",\"declared\":true,"
                + "\"data\":{\"item\":\"kettle\"}}"));
      case "lab.crash": return Mono.error(new IllegalStateException("it fell over"));
      case "lab.busy": return Mono.error(new RejectedException("no room"));
      case "lab.stuck":
        return Mono.<Payload>never()
            .doOnSubscribe(subscription -> seen.add("stuck"))
            .doOnCancel(() -> seen.add("stuck cancelled"));
      default: return Mono.error(new InvalidException("no such route: " + said.route));
    }
  }

  @Override
  public Flux<Payload> requestStream(Payload request) {
    int to = Integer.parseInt(request.getDataUtf8());
    AtomicLong granted = new AtomicLong();
    AtomicLong sent = new AtomicLong();
    return Flux.range(0, to)
        .doOnRequest(granted::addAndGet)
        .doOnNext(item -> sent.incrementAndGet())
        .doOnCancel(() -> seen.add("count cancelled: " + granted + " granted, " + sent + " sent"))
        .map(item -> DefaultPayload.create(String.valueOf(item)));
  }

  @Override
  public Flux<Payload> requestChannel(Publisher<Payload> requests) {
    return Flux.from(requests)
        .switchOnFirst((first, items) -> {
          String route = first.hasValue() ? Metadata.of(first.get()).route : "";
          Flux<String> texts = items.map(Payload::getDataUtf8);
          if (route.equals("lab.sum"))
            return texts.map(Integer::parseInt).reduce(0, Integer::sum)
                .map(sum -> DefaultPayload.create(String.valueOf(sum)));
          return texts.map(text -> DefaultPayload.create(text.toUpperCase()));
        })
        .doOnCancel(() -> seen.add("channel cancelled"))
        .cast(Payload.class);
  }

  @Override
  public Mono<Void> metadataPush(Payload push) {
    seen.add("push " + push.getMetadataUtf8());
    return Mono.empty();
  }

  private static Mono<Payload> answer(String json) {
    return Mono.just(DefaultPayload.create(json));
  }
}
