import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.Unpooled;
import io.rsocket.Payload;
import io.rsocket.metadata.AuthMetadataCodec;
import io.rsocket.metadata.CompositeMetadata;
import io.rsocket.metadata.CompositeMetadataCodec;
import io.rsocket.metadata.RoutingMetadata;
import io.rsocket.metadata.TaggingMetadataCodec;
import io.rsocket.metadata.TracingMetadata;
import io.rsocket.metadata.TracingMetadataCodec;
import io.rsocket.metadata.WellKnownAuthType;
import io.rsocket.metadata.WellKnownMimeType;
import io.rsocket.util.DefaultPayload;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** What requests say of themselves, as rsocket-java writes and reads it; and as much JSON as the lab needs. */
final class Metadata {
  String route = "";
  String authentication;
  String trace;
  final List<String> mimes = new ArrayList<>();

  static Metadata of(Payload payload) {
    Metadata found = new Metadata();
    for (CompositeMetadata.Entry entry : new CompositeMetadata(payload.sliceMetadata(), false)) {
      String mime = entry.getMimeType();
      ByteBuf content = entry.getContent();
      found.mimes.add(mime);
      if (WellKnownMimeType.MESSAGE_RSOCKET_ROUTING.getString().equals(mime)) {
        found.route = new RoutingMetadata(content).iterator().next();
      } else if (WellKnownMimeType.MESSAGE_RSOCKET_AUTHENTICATION.getString().equals(mime)) {
        WellKnownAuthType type = AuthMetadataCodec.readWellKnownAuthType(content);
        String payloadText = AuthMetadataCodec.readPayload(content).toString(StandardCharsets.ISO_8859_1);
        found.authentication = type.getString() + " " + payloadText;
      } else if (WellKnownMimeType.MESSAGE_RSOCKET_TRACING_ZIPKIN.getString().equals(mime)) {
        TracingMetadata tracing = TracingMetadataCodec.decode(content);
        found.trace = String.format(
            "%016x%016x-%016x-%s",
            tracing.traceIdHigh(), tracing.traceId(), tracing.spanId(), tracing.isSampled());
      }
    }
    return found;
  }

  static Payload request(String route, String json, Object... entries) {
    CompositeByteBuf metadata = ByteBufAllocator.DEFAULT.compositeBuffer();
    CompositeMetadataCodec.encodeAndAddMetadata(
        metadata, ByteBufAllocator.DEFAULT, WellKnownMimeType.MESSAGE_RSOCKET_ROUTING,
        TaggingMetadataCodec.createRoutingMetadata(ByteBufAllocator.DEFAULT, List.of(route)).getContent());
    for (int at = 0; at < entries.length; at += 2)
      CompositeMetadataCodec.encodeAndAddMetadata(
          metadata, ByteBufAllocator.DEFAULT, (WellKnownMimeType) entries[at], (ByteBuf) entries[at + 1]);
    return DefaultPayload.create(Unpooled.copiedBuffer(json, StandardCharsets.UTF_8), metadata);
  }

  static String quoted(String text) {
    if (text == null) return "null";
    StringBuilder json = new StringBuilder("\"");
    for (char letter : text.toCharArray()) {
      if (letter == '"' || letter == '\\') json.append('\\').append(letter);
      else if (letter < ' ') json.append(String.format("\\u%04x", (int) letter));
      else json.append(letter);
    }
    return json.append('"').toString();
  }

  static String list(List<String> texts) {
    return "[" + String.join(",", texts.stream().map(Metadata::quoted).toList()) + "]";
  }

  /** The text of a JSON string without escapes. */
  static String unquoted(String json) {
    return json.substring(1, json.length() - 1);
  }

  String json() {
    return "{\"route\":" + quoted(route) + ",\"authentication\":" + quoted(authentication)
        + ",\"trace\":" + quoted(trace) + ",\"mimes\":" + list(mimes) + "}";
  }
}
