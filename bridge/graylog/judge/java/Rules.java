import com.codahale.metrics.MetricRegistry;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.collect.ImmutableMap;
import org.graylog.plugins.pipelineprocessor.ast.Pipeline;
import org.graylog.plugins.pipelineprocessor.ast.Rule;
import org.graylog.plugins.pipelineprocessor.db.PipelineDao;
import org.graylog.plugins.pipelineprocessor.db.RuleDao;
import org.graylog.plugins.pipelineprocessor.db.RuleMetricsConfigDto;
import org.graylog.plugins.pipelineprocessor.functions.messages.StreamCacheService;
import org.graylog.plugins.pipelineprocessor.parser.FunctionRegistry;
import org.graylog.plugins.pipelineprocessor.parser.ParseException;
import org.graylog.plugins.pipelineprocessor.parser.PipelineRuleParser;
import org.graylog.plugins.pipelineprocessor.parser.errors.ParseError;
import org.graylog.plugins.pipelineprocessor.processors.PipelineInterpreter;
import org.graylog.plugins.pipelineprocessor.processors.PipelineMetricRegistry;
import org.graylog.plugins.pipelineprocessor.processors.PipelineResolver;
import org.graylog.plugins.pipelineprocessor.processors.PipelineResolverConfig;
import org.graylog.plugins.pipelineprocessor.processors.listeners.InterpreterListener;
import org.graylog.plugins.pipelineprocessor.rest.PipelineConnections;
import org.graylog2.plugin.Message;
import org.graylog2.shared.messageq.noop.NoopMessageQueueAcknowledger;
import org.joda.time.DateTime;

import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Rules and pipelines: parsed, loaded, and run on messages by Graylog's own engine. */
class Rules {
    private final Graylog graylog;
    private final Messages messages;
    private final PipelineRuleParser parser;
    private final PipelineInterpreter interpreter =
            new PipelineInterpreter(new NoopMessageQueueAcknowledger(), new MetricRegistry(), null);
    private PipelineInterpreter.State state;

    Rules(Graylog graylog, Messages messages) {
        this.graylog = graylog;
        this.messages = messages;
        parser = new PipelineRuleParser(new FunctionRegistry(graylog.functions));
    }

    /** Function → its parameters in order, optional ones with a question mark. */
    Map<String, List<String>> functions() {
        Map<String, List<String>> functions = new TreeMap<>();
        graylog.functions.forEach((name, function) -> functions.put(name, function.descriptor().params().stream()
                .map(parameter -> parameter.name() + (parameter.optional() ? "?" : "")).toList()));
        return functions;
    }

    Map<String, Object> parseRule(String source) {
        try {
            return Map.of("names", List.of(parser.parseRule("id", source, false).name()), "errors", List.of());
        } catch (ParseException error) {
            return Map.of("names", List.of(), "errors", shown(error));
        }
    }

    Map<String, Object> parsePipeline(String source) {
        try {
            List<String> names = parser.parsePipelines(source).stream().map(Pipeline::name).toList();
            return Map.of("names", names, "errors", List.of());
        } catch (ParseException error) {
            return Map.of("names", List.of(), "errors", shown(error));
        }
    }

    private static List<Object> shown(ParseException error) {
        Comparator<ParseError> place =
                Comparator.comparingInt(ParseError::line).thenComparingInt(ParseError::positionInLine);
        List<Object> errors = new ArrayList<>();
        error.getErrors().stream().sorted(place).forEach(each -> errors.add(Map.of(
                "line", each.line(), "position", each.positionInLine(), "text", each.toString())));
        return errors;
    }

    /**
     * {"rules": [source], "pipelines": [source], "streams": {id: title}, "connections": {id: [name]},
     * "lookups": {table: {key: value}}}. Without connections all pipelines are on the default stream.
     */
    Map<String, Object> load(JsonNode question) {
        graylog.streams.subList(1, graylog.streams.size()).clear();
        question.path("streams").fields().forEachRemaining(stream ->
                graylog.streams.add(Graylog.stream(stream.getKey(), stream.getValue().asText())));
        graylog.injector.getInstance(StreamCacheService.class).updateStreams();
        graylog.lookups.tables.clear();
        question.path("lookups").fields().forEachRemaining(table -> graylog.lookups.tables.put(
                table.getKey(), graylog.json.convertValue(table.getValue(), new TypeReference<Map<String, Object>>() {})));
        List<RuleDao> rules = new ArrayList<>();
        question.path("rules").forEach(source -> rules.add(rule(source.asText(), rules.size())));
        List<PipelineDao> pipelines = new ArrayList<>();
        question.path("pipelines").forEach(source -> pipelines.add(pipeline(source.asText(), pipelines.size())));
        List<PipelineConnections> connections = connections(question.path("connections"), pipelines);
        PipelineResolver resolver = new PipelineResolver(parser,
                PipelineResolverConfig.of(rules::stream, pipelines::stream, connections::stream));
        ImmutableMap<String, Pipeline> resolved =
                resolver.resolvePipelines(PipelineMetricRegistry.create(new MetricRegistry(), "p", "r"));
        state = new PipelineInterpreter.State(resolved, resolver.resolveStreamConnections(resolved),
                RuleMetricsConfigDto.createDefault(), new MetricRegistry(), 1, true);
        return Map.of("rules", rules.size(), "pipelines", pipelines.size());
    }

    private RuleDao rule(String source, int number) {
        DateTime now = DateTime.now();
        String name = parser.parseRule("id", source, false).name();
        return RuleDao.builder().id("r" + number).title(name).source(source).createdAt(now).modifiedAt(now).build();
    }

    private PipelineDao pipeline(String source, int number) {
        DateTime now = DateTime.now();
        String name = parser.parsePipeline("id", source).name();
        return PipelineDao.builder().id("p" + number).title(name).source(source).createdAt(now).modifiedAt(now).build();
    }

    private static List<PipelineConnections> connections(JsonNode wanted, List<PipelineDao> pipelines) {
        Map<String, Set<String>> byStream = new HashMap<>();
        Map<String, String> ids = new HashMap<>();
        pipelines.forEach(pipeline -> ids.put(pipeline.title(), pipeline.id()));
        if (wanted.isMissingNode()) {
            byStream.put(Graylog.DEFAULT_STREAM, Set.copyOf(ids.values()));
        }
        wanted.fields().forEachRemaining(stream -> {
            Set<String> connected = byStream.computeIfAbsent(stream.getKey(), id -> new HashSet<>());
            stream.getValue().forEach(name -> connected.add(ids.get(name.asText())));
        });
        List<PipelineConnections> connections = new ArrayList<>();
        byStream.forEach((stream, connected) -> connections.add(PipelineConnections.create("c" + stream, stream, connected)));
        return connections;
    }

    /** {"document" or "fields", "streams": [title]} → the messages that come out, and the rules that ran. */
    Map<String, Object> run(JsonNode question) throws Exception {
        Message message = messages.message(question);
        if (message == null) {
            return Map.of("rejected", messages.rejection());
        }
        Set<String> titles = new HashSet<>();
        question.path("streams").forEach(title -> titles.add(title.asText()));
        graylog.streams.stream()
                .filter(stream -> titles.isEmpty() ? stream.getId().equals(Graylog.DEFAULT_STREAM) : titles.contains(stream.getTitle()))
                .forEach(message::addStream);
        List<String> ran = new ArrayList<>();
        List<Object> results = new ArrayList<>();
        interpreter.process(message, listener(ran), state).forEach(result -> results.add(messages.shown(result)));
        return Map.of("messages", results, "ran", ran);
    }

    private static InterpreterListener listener(List<String> ran) {
        Class<?> type = InterpreterListener.class;
        return (InterpreterListener) Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[]{type}, (self, method, arguments) -> {
            if (method.getName().equals("executeRule")) {
                ran.add(((Rule) arguments[0]).name());
            }
            return null;
        });
    }
}
