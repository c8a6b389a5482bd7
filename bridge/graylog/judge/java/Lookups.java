import com.google.common.eventbus.EventBus;
import org.graylog2.lookup.LookupDefaultMultiValue;
import org.graylog2.lookup.LookupDefaultSingleValue;
import org.graylog2.lookup.LookupTable;
import org.graylog2.lookup.LookupTableService;
import org.graylog2.plugin.lookup.LookupCache;
import org.graylog2.plugin.lookup.LookupDataAdapter;
import org.graylog2.plugin.lookup.LookupResult;

import java.util.HashMap;
import java.util.Map;

/** Look-up tables in memory, for the functions that read them; those that write find no adapter. */
class Lookups extends LookupTableService {
    /** Table → key → value: text, number, boolean or map. */
    final Map<String, Map<String, Object>> tables = new HashMap<>();

    Lookups() {
        super(null, Map.of(), Map.of(), Map.of(), Map.of(), Map.of(), null, new EventBus());
    }

    @Override
    public LookupTable getTable(String name) {
        return tables.containsKey(name) ? new Table(name, tables.get(name)) : null;
    }

    @Override
    public boolean hasTable(String name) {
        return tables.containsKey(name);
    }

    private static class Table extends LookupTable {
        private final String name;
        private final Map<String, Object> values;

        Table(String name, Map<String, Object> values) {
            this.name = name;
            this.values = values;
        }

        @Override
        @SuppressWarnings("unchecked")
        public LookupResult lookup(Object key) {
            Object value = values.get(String.valueOf(key));
            if (value == null) return LookupResult.empty();
            if (value instanceof Map) return LookupResult.multi((String) null, (Map<Object, Object>) value);
            if (value instanceof Number) return LookupResult.single((Number) value);
            if (value instanceof Boolean) return LookupResult.single((Boolean) value);
            return LookupResult.single(value.toString());
        }

        public String id() { return name; }
        public String title() { return name; }
        public String description() { return ""; }
        public String name() { return name; }
        public LookupCache cache() { return null; }
        public LookupDataAdapter dataAdapter() { return null; }
        public LookupDefaultSingleValue defaultSingleValue() { return null; }
        public LookupDefaultMultiValue defaultMultiValue() { return null; }
    }
}
