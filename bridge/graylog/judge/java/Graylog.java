import com.codahale.metrics.MetricRegistry;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.common.eventbus.EventBus;
import com.google.inject.Guice;
import com.google.inject.Injector;
import com.google.inject.Key;
import com.google.inject.Provides;
import com.google.inject.Singleton;
import com.google.inject.TypeLiteral;
import com.google.inject.name.Names;
import io.netty.channel.EventLoopGroup;
import org.graylog.plugins.cef.pipelines.rules.CEFParserFunction;
import org.graylog.plugins.pipelineprocessor.ast.functions.Function;
import org.graylog.plugins.pipelineprocessor.functions.ProcessorFunctionsModule;
import org.graylog2.GraylogNodeConfiguration;
import org.graylog2.configuration.TLSProtocolsConfiguration;
import org.graylog2.grok.GrokPatternService;
import org.graylog2.grok.InMemoryGrokPatternService;
import org.graylog2.inputs.codecs.GelfCodec;
import org.graylog2.inputs.gelf.http.GELFHttpInput;
import org.graylog2.inputs.gelf.tcp.GELFTCPInput;
import org.graylog2.inputs.gelf.udp.GELFUDPInput;
import org.graylog2.inputs.transports.HttpTransport;
import org.graylog2.inputs.transports.NettyTransportConfiguration;
import org.graylog2.inputs.transports.TcpTransport;
import org.graylog2.inputs.transports.UdpTransport;
import org.graylog2.inputs.transports.netty.EventLoopGroupProvider;
import org.graylog2.lookup.LookupTableService;
import org.graylog2.plugin.MessageBindings;
import org.graylog2.plugin.ServerStatus;
import org.graylog2.plugin.inject.Graylog2Module;
import org.graylog2.plugin.streams.DefaultStream;
import org.graylog2.plugin.streams.Stream;
import org.graylog2.plugin.system.SimpleNodeId;
import org.graylog2.shared.bindings.providers.ObjectMapperProvider;
import org.graylog2.streams.StreamService;
import org.graylog2.utilities.IpSubnet;

import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;

/**
 * The parts of a Graylog server that judge a message, wired by Graylog's own modules. Around them
 * stand in-memory streams and look-up tables, and nothing where a server would ask its database.
 */
class Graylog {
    static final String DEFAULT_STREAM = "000000000000000000000001";

    /** The streams that exist; the first is the default stream. */
    final List<Stream> streams = new ArrayList<>(List.of(stream(DEFAULT_STREAM, "Default Stream")));
    final Lookups lookups = new Lookups();
    final Injector injector = Guice.createInjector(new Wiring());
    final ObjectMapper json = injector.getInstance(ObjectMapper.class);
    final Map<String, Function<?>> functions =
            injector.getInstance(Key.get(new TypeLiteral<Map<String, Function<?>>>() {}));

    static Stream stream(String id, String title) {
        return stub(Stream.class, Map.of("getId", id, "getTitle", title, "isPaused", false));
    }

    /** An object of an interface that gives these answers, and for all else nothing. */
    static <T> T stub(Class<T> type, Map<String, Object> answers) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[]{type}, (self, method, arguments) -> {
            if (answers.containsKey(method.getName())) {
                return answers.get(method.getName());
            }
            return switch (method.getName()) {
                case "hashCode" -> System.identityHashCode(self);
                case "equals" -> self == arguments[0];
                case "toString" -> type.getSimpleName() + answers;
                default -> nothing(method.getReturnType());
            };
        }));
    }

    private static Object nothing(Class<?> type) {
        if (type == boolean.class) return false;
        if (type == int.class) return 0;
        if (Set.class.isAssignableFrom(type)) return Set.of();
        if (List.class.isAssignableFrom(type)) return List.of();
        if (Map.class.isAssignableFrom(type)) return Map.of();
        if (Optional.class.isAssignableFrom(type)) return Optional.empty();
        return null;
    }

    private class Wiring extends Graylog2Module {
        @Override
        protected void configure() {
            install(new MessageBindings());
            install(new ProcessorFunctionsModule());
            ProcessorFunctionsModule.addMessageProcessorFunction(binder(), CEFParserFunction.NAME, CEFParserFunction.class);
            installTransport(transportMapBinder(), "gelf-tcp", TcpTransport.class);
            installTransport(transportMapBinder(), "gelf-udp", UdpTransport.class);
            installTransport(transportMapBinder(), "gelf-http", HttpTransport.class);
            installCodec(codecMapBinder(), GelfCodec.class);
            installInput(inputsMapBinder(), GELFTCPInput.class, GELFTCPInput.Factory.class);
            installInput(inputsMapBinder(), GELFUDPInput.class, GELFUDPInput.Factory.class);
            installInput(inputsMapBinder(), GELFHttpInput.class, GELFHttpInput.Factory.class);
            bindNetwork();
            bindServices();
        }

        private void bindNetwork() {
            bind(NettyTransportConfiguration.class).toInstance(new NettyTransportConfiguration(
                    System.getProperty("judge.netty", "auto"), System.getProperty("judge.tls", "auto"), 2));
            bind(TLSProtocolsConfiguration.class).toInstance(new TLSProtocolsConfiguration());
            bind(EventLoopGroup.class).toProvider(EventLoopGroupProvider.class).in(Singleton.class);
            bind(new TypeLiteral<Set<IpSubnet>>() {}).annotatedWith(Names.named("trusted_proxies")).toInstance(Set.of());
        }

        private void bindServices() {
            bind(MetricRegistry.class).toInstance(new MetricRegistry());
            bind(EventBus.class).toInstance(new EventBus());
            bind(ObjectMapper.class).toInstance(new ObjectMapperProvider().get());
            bind(ScheduledExecutorService.class).annotatedWith(Names.named("daemonScheduler"))
                    .toInstance(Executors.newScheduledThreadPool(2));
            bind(StreamService.class).toInstance(stub(StreamService.class, Map.of("loadAllEnabled", streams)));
            bind(Stream.class).annotatedWith(DefaultStream.class).toProvider(() -> streams.get(0));
            bind(GrokPatternService.class).to(InMemoryGrokPatternService.class).in(Singleton.class);
            bind(LookupTableService.class).toInstance(lookups);
        }

        @Provides
        @Singleton
        ServerStatus serverStatus(EventBus bus) {
            return new ServerStatus(stub(GraylogNodeConfiguration.class, Map.of()), Set.of(), bus,
                    () -> null, new SimpleNodeId("judge-node"));
        }
    }
}
