import com.codahale.metrics.Meter;
import com.codahale.metrics.MetricRegistry;
import com.codahale.metrics.Timer;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.google.inject.Key;
import com.google.inject.TypeLiteral;
import org.graylog.failure.FailureSubmissionService;
import org.graylog2.plugin.Message;
import org.graylog2.plugin.MessageFactory;
import org.graylog2.plugin.ServerStatus;
import org.graylog2.plugin.buffers.MessageEvent;
import org.graylog2.plugin.configuration.Configuration;
import org.graylog2.plugin.inputs.codecs.Codec;
import org.graylog2.plugin.inputs.failure.InputProcessingException;
import org.graylog2.plugin.journal.RawMessage;
import org.graylog2.plugin.streams.Stream;
import org.graylog2.shared.bindings.providers.ObjectMapperProvider;
import org.graylog2.shared.buffers.processors.DecodingProcessor;
import org.graylog2.shared.messageq.noop.NoopMessageQueueAcknowledger;
import org.joda.time.DateTime;
import org.joda.time.DateTimeZone;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** From bytes to messages as a GELF input decodes them, and from messages to JSON. */
class Messages {
    private static final TypeReference<Map<String, Object>> FIELDS = new TypeReference<>() {};
    private static final Configuration CODEC = new Configuration(Map.of("decompress_size_limit", 8_388_608));

    private final Graylog graylog;
    private final MessageFactory factory;
    private final Failures failures = new Failures();
    private final DecodingProcessor processor;
    private final Meter meter = new Meter();

    Messages(Graylog graylog) {
        this.graylog = graylog;
        factory = graylog.injector.getInstance(MessageFactory.class);
        processor = new DecodingProcessor(
                graylog.injector.getInstance(Key.get(new TypeLiteral<Map<String, Codec.Factory<? extends Codec>>>() {})),
                graylog.injector.getInstance(ServerStatus.class), new MetricRegistry(),
                new NoopMessageQueueAcknowledger(), failures, new Timer(), new Timer());
    }

    /** The reason of the last refusal, where a server would write it to its list of failures. */
    private static class Failures extends FailureSubmissionService {
        String last;

        Failures() {
            super(null, null, null, new ObjectMapperProvider());
        }

        @Override
        public void submitInputFailure(InputProcessingException failure, String input) {
            last = failure.getMessage();
        }
    }

    /** {"document": base64, "remote": address} → a message as JSON, or {"rejected": why}. */
    Map<String, Object> decoded(JsonNode question) throws Exception {
        Message message = message(question);
        return message == null ? Map.of("rejected", rejection()) : shown(message);
    }

    /** Why the last call of `message` gave none. */
    String rejection() {
        return failures.last == null ? "incomplete" : failures.last;
    }

    /** The message of a question that has a `document` or `fields`; null when Graylog refuses it. */
    Message message(JsonNode question) throws Exception {
        return question.has("fields") ? ofFields(question.get("fields")) : ofDocument(question);
    }

    private Message ofDocument(JsonNode question) throws Exception {
        byte[] document = Base64.getDecoder().decode(question.get("document").asText());
        InetAddress remote = InetAddress.getByName(question.path("remote").asText("127.0.0.1"));
        RawMessage raw = new RawMessage(document, new InetSocketAddress(remote, 12201));
        raw.setCodecName("gelf");
        raw.setCodecConfig(CODEC);
        MessageEvent event = new MessageEvent();
        event.setRaw(raw);
        failures.last = null;
        processor.onEvent(event, 0, true);
        return event.getMessage();
    }

    /** Numbers get the types that GELF gives them: Long and Double. */
    private Message ofFields(JsonNode node) throws Exception {
        Map<String, Object> fields = graylog.json.readerFor(FIELDS)
                .with(DeserializationFeature.USE_LONG_FOR_INTS).readValue(node);
        String text = String.valueOf(fields.remove("message"));
        String source = String.valueOf(fields.remove("source"));
        Object time = fields.remove("timestamp");
        Message message = factory.createMessage(text, source, new DateTime(time, DateTimeZone.UTC));
        message.addFields(fields);
        return message;
    }

    Map<String, Object> shown(Message message) {
        Map<String, Object> fields = new TreeMap<>();
        Map<String, String> types = new TreeMap<>();
        message.getFields().forEach((name, value) -> {
            fields.put(name, value instanceof DateTime ? value.toString() : graylog.json.valueToTree(value));
            types.put(name, type(value));
        });
        Map<String, Object> shown = new LinkedHashMap<>();
        shown.put("fields", fields);
        shown.put("types", types);
        shown.put("streams", message.getStreams().stream().map(Stream::getTitle).sorted().toList());
        shown.put("errors", message.processingErrors().stream().map(Messages::text).toList());
        shown.put("indexed", graylog.json.valueToTree(message.toElasticSearchObject(graylog.json, meter)));
        return shown;
    }

    private static String text(Message.ProcessingError error) {
        return error.getCause() + ": " + error.getMessage() + " - " + error.getDetails();
    }

    private static String type(Object value) {
        if (value instanceof Map) return "Map";
        if (value instanceof Collection) return "List";
        return value == null ? "null" : value.getClass().getSimpleName();
    }
}
