package io.stencil.server;

import io.stencil.error.Arguments;
import io.stencil.error.InvalidStateException;
import io.stencil.service.ImageService;
import java.io.IOException;
import java.net.BindException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.CustomRequestLog;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.NetworkConnectionLimit;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.handler.ErrorHandler;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.VirtualThreads;
import org.eclipse.jetty.util.thread.QueuedThreadPool;

/// Serves an [ImageService] over HTTP: OpenAI's Images API, native jobs with events, Templates with the schemas of
/// their inputs, health and metrics. `GET /openapi.json` describes it all.
///
/// ```java
/// try (StencilServer server = StencilServer.start(service, ServerSettings.DEFAULT, System.err::println)) {
///     System.out.println("listening on " + server.uri());
///     ...
/// }
/// ```
public final class StencilServer implements AutoCloseable {

    private static final int HEADERS = 16 << 10;
    private static final int PLATFORM_THREADS = 16;

    /// Time in which answers that are complete leave, once all jobs have ended.
    private static final Duration LAST_ANSWERS = Duration.ofSeconds(5);

    /// Address of the client, time, method, path without its query, status, bytes sent, milliseconds: no header and no
    /// body, which have keys and prompts.
    private static final String ACCESS = "%{client}a %{yyyy-MM-dd'T'HH:mm:ss.SSSX|UTC}t \"%m %U\" %s %O %{ms}T";

    private static final Duration POLL = Duration.ofMillis(10);

    private final ImageService service;
    private final Server jetty;
    private final ServerConnector connector;
    private final HeaderWatch headerWatch;
    private final Api api;
    private final Metrics metrics;
    private final ServerSettings settings;
    private boolean isStopped;

    private StencilServer(ImageService service, ServerSettings settings, Consumer<String> log) {
        this.service = service;
        this.settings = settings;
        this.metrics = new Metrics(service);
        this.api = new Api(service, settings, metrics, log);
        QueuedThreadPool threads = new QueuedThreadPool(PLATFORM_THREADS); // of the network; requests have virtual ones
        threads.setName("stencil-http");
        threads.setVirtualThreadsExecutor(VirtualThreads.getNamedVirtualThreadsExecutor("stencil-request-"));
        this.jetty = new Server(threads);
        HttpConfiguration http = new HttpConfiguration();
        http.setSendServerVersion(false);
        http.setRequestHeaderSize(HEADERS);
        this.connector = new ServerConnector(jetty, 1, 1, new HttpConnectionFactory(http));
        connector.setHost(settings.host());
        connector.setPort(settings.port());
        connector.setIdleTimeout(settings.limits().patience().toMillis());
        jetty.addConnector(connector);
        jetty.addBean(new NetworkConnectionLimit(settings.limits().connections(), connector));
        this.headerWatch = new HeaderWatch(api, connector, settings.limits().patience());
        jetty.setHandler(headerWatch);
        jetty.setErrorHandler(new JsonErrors());
        if (settings.accessLog() != null) {
            jetty.setRequestLog(new CustomRequestLog(settings.accessLog()::accept, ACCESS));
        }
        jetty.setStopTimeout(0);
    }

    /// Starts to listen.
    ///
    /// @param service which the server owns from now on; it stays the caller's when this fails
    /// @param log receives faults of the server that no client is to see in full, a line each
    /// @throws InvalidStateException when the address cannot be bound
    public static StencilServer start(ImageService service, ServerSettings settings, Consumer<String> log) {
        StencilServer server = new StencilServer(
                Arguments.require("service", service),
                Arguments.require("settings", settings),
                Arguments.require("log", log));
        try {
            server.jetty.start();
            server.headerWatch.watch();
            return server;
        } catch (Exception fault) {
            server.stopListening();
            if (fault instanceof BindException || fault.getCause() instanceof BindException) {
                throw new InvalidStateException(
                        "port %s of %s cannot be bound: another program has it, or it is not an address of this machine; choose others by --port and --host"
                                .formatted(settings.port(), settings.host()));
            }
            throw new InvalidStateException("the server does not start on port %s of %s: %s"
                    .formatted(settings.port(), settings.host(), fault));
        }
    }

    /// Returns the address, such as `http://127.0.0.1:8080`.
    public URI uri() {
        String host = settings.host().contains(":") ? "[" + settings.host() + "]" : settings.host();
        return URI.create("http://%s:%s".formatted(host, connector.getLocalPort()));
    }

    /// Lists the endpoints, such as `GET /v1/models`.
    List<String> routes() {
        return api.routes();
    }

    /// Stops in order: refuses new work, which `/readyz` shows, finishes accepted jobs, but no longer than a time, and
    /// cancels those that are left; sends the last answers; then stops listening and closes the service. A second call
    /// does nothing.
    public synchronized void stop(Duration time) {
        if (isStopped) {
            return;
        }
        isStopped = true;
        api.refuseWork();
        try {
            service.close(time);
            long end = System.nanoTime() + LAST_ANSWERS.toNanos();
            while (api.active() > 0 && System.nanoTime() < end) {
                Thread.sleep(POLL);
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } finally {
            stopListening();
        }
    }

    private void stopListening() {
        try {
            jetty.stop();
        } catch (Exception fault) {
            throw new InvalidStateException("the server does not stop: " + fault);
        } finally {
            jetty.destroy();
            metrics.close();
        }
    }

    /// Cancels all jobs and [stops][#stop].
    @Override
    public void close() {
        stop(Duration.ZERO);
    }

    /// Answers what is no valid HTTP, and faults of Jetty, in the form of OpenAI's API.
    private static final class JsonErrors extends ErrorHandler {

        private static final int UNKNOWN_VERSION = 505;

        @Override
        public boolean handle(Request request, Response response, Callback callback) throws IOException {
            int status = response.getStatus() < ApiException.BAD_REQUEST ? ApiException.FAILED : response.getStatus();
            response.getHeaders().put(HttpHeader.CONTENT_TYPE, "application/json");
            response.write(true, body(status), callback);
            return true;
        }

        private static ByteBuffer body(int status) {
            String message = status < ApiException.FAILED || status == UNKNOWN_VERSION
                    ? "The request is not valid HTTP, or larger than the server accepts (status %s).".formatted(status)
                    : "The server had an error.";
            return ByteBuffer.wrap(new ApiException(status, message, null, null)
                    .body()
                    .toString()
                    .getBytes(StandardCharsets.UTF_8));
        }
    }
}
