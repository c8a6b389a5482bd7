import com.fasterxml.jackson.databind.JavaType;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.jsontype.NamedType;
import org.graylog.events.processor.EventDefinitionConfiguration;
import org.graylog.events.processor.EventDefinitionDto;
import org.graylog.plugins.views.search.Search;
import org.graylog.plugins.views.search.elasticsearch.ElasticsearchQueryString;
import org.graylog.plugins.views.search.views.ViewStateDTO;
import org.graylog2.contentpacks.NativeEntityConverter;
import org.graylog2.contentpacks.model.ContentPack;
import org.graylog2.contentpacks.model.ContentPackV1;
import org.graylog2.contentpacks.model.entities.Entity;
import org.graylog2.contentpacks.model.entities.EntityV1;
import org.graylog2.contentpacks.model.entities.ViewEntity;
import org.graylog2.plugin.rest.ValidationResult;
import org.graylog2.shared.bindings.providers.ObjectMapperProvider;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Request bodies and content packs, read into Graylog's own classes by its own ObjectMapper. What
 * Graylog registers by its modules, which need a whole server, is named here; under which names
 * JSON knows it is written on those classes.
 */
class Bodies {
    private static final String VIEWS = "org.graylog.plugins.views.search.";
    private static final String WIDGETS = VIEWS + "views.widgets.";
    private static final String PIVOT = VIEWS + "searchtypes.pivot.";
    private static final List<String> SUBTYPES = List.of(
            VIEWS + "filter.OrFilter", VIEWS + "filter.StreamFilter",
            VIEWS + "searchtypes.MessageList", PIVOT + "Pivot", PIVOT + "SeriesSort", PIVOT + "PivotSort",
            PIVOT + "buckets.Values", PIVOT + "buckets.Time", PIVOT + "buckets.AutoInterval",
            PIVOT + "series.Cardinality", PIVOT + "series.Count", PIVOT + "series.Latest",
            PIVOT + "series.Max", PIVOT + "series.Min",
            WIDGETS + "messagelist.MessageListConfigDTO", WIDGETS + "aggregation.AggregationConfigDTO",
            WIDGETS + "aggregation.ValueConfigDTO", WIDGETS + "aggregation.TimeHistogramConfigDTO",
            WIDGETS + "aggregation.AutoIntervalDTO", WIDGETS + "aggregation.BarVisualizationConfigDTO",
            WIDGETS + "aggregation.LineVisualizationConfigDTO", WIDGETS + "aggregation.NumberVisualizationConfigDTO",
            WIDGETS + "aggregation.sort.SeriesSortConfig", WIDGETS + "aggregation.sort.PivotSortConfig",
            "org.graylog.events.processor.aggregation.AggregationEventProcessorConfig",
            "org.graylog.events.contentpack.entities.AggregationEventProcessorConfigEntity",
            "org.graylog.events.fields.providers.TemplateFieldValueProvider$Config",
            "org.graylog.events.processor.storage.PersistToStreamsStorageHandler$Config",
            "org.graylog2.contentpacks.model.entities.MessageListEntity",
            "org.graylog2.contentpacks.model.entities.PivotEntity",
            "org.graylog2.lookup.adapters.HTTPJSONPathDataAdapter$Config",
            "org.graylog2.lookup.adapters.CSVFileDataAdapter$Config",
            "org.graylog2.lookup.caches.CaffeineLookupCache$Config");
    /** These go by names that their modules give them: a word, or their own. */
    private static final Map<String, String> NAMED = Map.of(
            "org.graylog2.datatiering.hotonly.HotOnlyDataTieringConfig", "hot_only",
            "org.graylog2.indexer.rotation.strategies.TimeBasedSizeOptimizingStrategyConfig", "",
            "org.graylog2.indexer.retention.strategies.DeletionRetentionStrategyConfig", "");
    private static final String ENTITIES = "org.graylog2.contentpacks.model.entities.";
    private static final Map<String, String> ENTITY_CLASSES = Map.of(
            "stream_title", ENTITIES + "StreamReferenceEntity",
            "pipeline_rule", ENTITIES + "PipelineRuleEntity",
            "pipeline", ENTITIES + "PipelineEntity",
            "dashboard", ENTITIES + "ViewEntity",
            "event_definition", "org.graylog.events.contentpack.entities.EventDefinitionEntity");

    private ObjectMapper json;

    private ObjectMapper json() throws ClassNotFoundException {
        if (json == null) {
            Set<NamedType> types = new LinkedHashSet<>();
            types.add(new NamedType(ElasticsearchQueryString.class));
            for (String name : SUBTYPES) {
                types.add(new NamedType(Class.forName(name)));
            }
            for (Map.Entry<String, String> named : NAMED.entrySet()) {
                String name = named.getValue().isEmpty() ? named.getKey() : named.getValue();
                types.add(new NamedType(Class.forName(named.getKey()), name));
            }
            json = new ObjectMapperProvider(Bodies.class.getClassLoader(), types).get();
        }
        return json;
    }

    /**
     * {"classes": [name, parameter …], "body": …} → the object as Graylog writes it. Fails with
     * Graylog's words when the class does not take the body, or the object is not valid.
     */
    JsonNode read(JsonNode question) throws Exception {
        List<JavaType> types = new ArrayList<>();
        for (JsonNode name : question.get("classes")) {
            types.add(json().constructType(Class.forName(name.asText())));
        }
        JavaType type = types.remove(0);
        if (!types.isEmpty()) {
            JavaType[] parameters = types.toArray(JavaType[]::new);
            type = json().getTypeFactory().constructParametricType(type.getRawClass(), parameters);
        }
        Object read = json().readValue(json().writeValueAsString(question.get("body")), type);
        return valid(read);
    }

    /** {"pack": …} → its entities as Graylog would make them. */
    List<JsonNode> readPack(JsonNode question) throws Exception {
        ContentPack pack = json().readValue(json().writeValueAsString(question.get("pack")), ContentPack.class);
        if (!(pack instanceof ContentPackV1 first)) {
            throw new IllegalArgumentException("not a content pack of version 1");
        }
        List<JsonNode> made = new ArrayList<>();
        for (Entity entity : first.entities()) {
            EntityV1 own = (EntityV1) entity;
            Class<?> type = Class.forName(ENTITY_CLASSES.get(own.type().name()));
            Object converted = json().convertValue(own.data(), type);
            made.add(json().valueToTree(made(converted)));
        }
        return made;
    }

    /** As the facades of content packs do it. */
    private static Object made(Object entity) {
        if (entity instanceof ViewEntity view) {
            Map<String, ViewStateDTO> states = new LinkedHashMap<>();
            view.state().forEach((page, state) -> states.put(page, state.toNativeEntity(Map.of(), Map.of())));
            Search search = view.search().toNativeEntity(Map.of(), Map.of());
            return view.toNativeEntity(Map.of(), Map.of()).state(states).searchId(search.id()).build();
        }
        return entity instanceof NativeEntityConverter<?> converter
                ? converter.toNativeEntity(Map.of(), Map.of()) : entity;
    }

    private JsonNode valid(Object object) throws Exception {
        if (object instanceof EventDefinitionDto definition) {
            ValidationResult result = validated(definition);
            if (result.failed()) {
                throw new IllegalArgumentException(result.getErrors().toString());
            }
        }
        return json().valueToTree(object);
    }

    /** Newer releases ask for the user, too, who matters only for definitions without a stream. */
    private static ValidationResult validated(EventDefinitionDto definition) throws Exception {
        for (Method method : EventDefinitionDto.class.getMethods()) {
            if (method.getName().equals("validate")) {
                Object[] arguments = new Object[method.getParameterCount()];
                arguments[1] = new EventDefinitionConfiguration();
                return (ValidationResult) method.invoke(definition, arguments);
            }
        }
        throw new NoSuchMethodException("validate");
    }
}
