import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import org.bouncycastle.jce.provider.BouncyCastleProvider;

import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.security.Security;
import java.util.Map;

/**
 * Graylog's own decoder, rule engine and inputs behind JSON lines: a command on stdin, one answer
 * on stdout. An answer is {"answer": …}, or {"error": "…"} when the command failed.
 */
public class Judge {
    interface Command {
        Object run(JsonNode question) throws Exception;
    }

    private final Graylog graylog = new Graylog();
    private final Messages messages = new Messages(graylog);
    private final Rules rules = new Rules(graylog, messages);
    private final Inputs inputs = new Inputs(graylog);
    private final Bodies bodies = new Bodies();

    private final Map<String, Command> commands = Map.ofEntries(
            Map.entry("functions", question -> rules.functions()),
            Map.entry("decode", question -> messages.decoded(question)),
            Map.entry("parse_rule", question -> rules.parseRule(question.get("source").asText())),
            Map.entry("parse_pipeline", question -> rules.parsePipeline(question.get("source").asText())),
            Map.entry("load", question -> rules.load(question)),
            Map.entry("run", question -> rules.run(question)),
            Map.entry("read_body", question -> bodies.read(question)),
            Map.entry("read_pack", question -> bodies.readPack(question)),
            Map.entry("input_start", question -> inputs.start(question)),
            Map.entry("input_stats", question -> inputs.stats(question.get("id").asText())),
            Map.entry("input_stop", question -> inputs.stop(question.get("id").asText())));

    private Map<String, Object> answer(JsonNode question) {
        try {
            Command command = commands.get(question.path("command").asText());
            if (command == null) {
                throw new IllegalArgumentException("unknown command");
            }
            return Map.of("answer", command.run(question));
        } catch (Exception | LinkageError error) {
            Throwable cause = error;
            while (cause.getCause() != null) {
                cause = cause.getCause();
            }
            return Map.of("error", cause.toString());
        }
    }

    public static void main(String[] arguments) throws Exception {
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, "US-ASCII");
        System.setOut(System.err); // nothing else may write into the protocol
        Security.addProvider(new BouncyCastleProvider()); // as Graylog does at start, for key files
        Judge judge = new Judge();
        ObjectReader reader = judge.graylog.json.reader();
        // Halves of surrogate pairs survive only as escapes.
        ObjectWriter writer = judge.graylog.json.writer().with(JsonWriteFeature.ESCAPE_NON_ASCII);
        out.println("{\"answer\": \"ready\"}");
        out.flush();
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = lines.readLine()) != null; ) {
            out.println(writer.writeValueAsString(judge.answer(reader.readTree(line))));
            out.flush();
        }
        System.exit(0); // the inputs' threads are no daemons
    }
}
