import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import org.graylog2.inputs.gelf.http.GELFHttpInput;
import org.graylog2.inputs.gelf.tcp.GELFTCPInput;
import org.graylog2.inputs.gelf.udp.GELFUDPInput;
import org.graylog2.plugin.buffers.InputBuffer;
import org.graylog2.plugin.configuration.Configuration;
import org.graylog2.plugin.inputs.MessageInput;
import org.graylog2.plugin.journal.RawMessage;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;

/** Graylog's GELF inputs on real ports; what they hand over goes into a file. */
class Inputs {
    private final Graylog graylog;
    private final Map<String, Class<? extends MessageInput.Factory<? extends MessageInput>>> kinds = Map.of(
            "tcp", GELFTCPInput.Factory.class, "udp", GELFUDPInput.Factory.class, "http", GELFHttpInput.Factory.class);
    private final Map<String, MessageInput> running = new HashMap<>();
    private final Map<String, Sink> sinks = new HashMap<>();

    Inputs(Graylog graylog) {
        this.graylog = graylog;
    }

    /** {"id", "kind", "settings": {}, "file", "delay_us"}; other settings are those of the web form. */
    Map<String, Object> start(JsonNode question) throws Exception {
        String id = question.get("id").asText();
        MessageInput.Factory<? extends MessageInput> factory =
                graylog.injector.getInstance(kinds.get(question.get("kind").asText()));
        MessageInput input = factory.create(settings(factory, question.get("settings")));
        input.setPersistId(id);
        input.setTitle(id);
        Sink sink = new Sink(Path.of(question.get("file").asText()), question.path("delay_us").asLong());
        input.initialize();
        input.launch(sink, null);
        running.put(id, input);
        sinks.put(id, sink);
        return Map.of();
    }

    private Configuration settings(MessageInput.Factory<? extends MessageInput> factory, JsonNode given) {
        Map<String, Object> wanted = graylog.json.convertValue(given, new TypeReference<>() {});
        Map<String, Object> settings = new HashMap<>();
        factory.create(new Configuration(wanted)).getRequestedConfiguration().getFields()
                .forEach((name, field) -> settings.put(name, field.getDefaultValue()));
        settings.putAll(wanted);
        return new Configuration(settings);
    }

    Map<String, Object> stats(String id) {
        Sink sink = sinks.get(id);
        synchronized (sink) {
            return Map.of("messages", sink.messages, "bytes", sink.bytes);
        }
    }

    Map<String, Object> stop(String id) throws IOException {
        running.remove(id).stop();
        Map<String, Object> stats = stats(id);
        sinks.remove(id).file.close();
        return stats;
    }

    /** Stands where Graylog has its ring buffer: one write of length (32 bit) and payload a message. */
    private static class Sink implements InputBuffer {
        private final FileChannel file;
        private final long delayNanos;
        private long messages;
        private long bytes;

        Sink(Path path, long delayMicros) throws IOException {
            file = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            delayNanos = delayMicros * 1000;
        }

        @Override
        public synchronized void insert(RawMessage raw) {
            byte[] payload = raw.getPayload();
            ByteBuffer record = ByteBuffer.allocate(4 + payload.length).putInt(payload.length).put(payload).flip();
            try {
                while (record.hasRemaining()) {
                    file.write(record);
                }
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
            LockSupport.parkNanos(delayNanos);
            messages++;
            bytes += payload.length;
        }

        @Override
        public long getUsage() {
            return 0;
        }
    }
}
