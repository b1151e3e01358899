package io.stencil.server;

import io.stencil.error.StencilException;
import io.stencil.error.VisibleText;
import io.stencil.service.ImageService;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

/// Routes requests to their endpoints, after [Guard]'s checks, and answers every fault in the form of OpenAI's API.
final class Api extends Handler.Abstract {

    private static final int KIB = 1 << 10;
    private static final String GET = "GET";
    private static final String POST = "POST";
    private static final String OTHER = "other";
    private static final String NO_CONTENT_METHODS = "GET, POST, DELETE, OPTIONS";

    /// Answers a request.
    @FunctionalInterface
    private interface Endpoint {
        /// @param names parts of the path that stand for the names in braces
        void serve(Exchange exchange, List<String> names) throws IOException;
    }

    /// What needs no API key.
    private enum Access {
        KEY,
        SIGNED,
        OPEN
    }

    /// @param path with names in braces for parts that vary
    /// @param startsWork whether it is refused while the server stops
    private record Route(String method, String path, Access access, boolean startsWork, Endpoint endpoint) {

        /// Returns the parts of a path that stand for names, or null when it is another path.
        @Nullable
        List<String> match(String requested) {
            String[] expected = path.split("/", -1);
            String[] found = requested.split("/", -1);
            if (expected.length != found.length) {
                return null;
            }
            List<String> names = new ArrayList<>();
            for (int i = 0; i < expected.length; i++) {
                if (expected[i].startsWith("{")) {
                    names.add(found[i]);
                } else if (!expected[i].equals(found[i])) {
                    return null;
                }
            }
            return names;
        }
    }

    private final ServerSettings settings;
    private final Guard guard;
    private final Metrics metrics;
    private final Consumer<String> log;
    private final Semaphore bodyMemory;
    private final List<Route> routes = new ArrayList<>();
    private final AtomicInteger active = new AtomicInteger();
    private volatile boolean isStopping;

    /// @param log receives faults of the server, one line each
    Api(ImageService service, ServerSettings settings, Metrics metrics, Consumer<String> log) {
        this.settings = settings;
        this.guard = new Guard(settings);
        this.metrics = metrics;
        this.log = log;
        this.bodyMemory = new Semaphore(
                Math.toIntExact(Math.min(Integer.MAX_VALUE, settings.limits().totalBodyBytes() / KIB)));
        RequestReader reader = new RequestReader(service);
        Addresses addresses = new Addresses(settings, guard);
        long pixels = settings.limits().imagePixels();
        OpenAiImages images = new OpenAiImages(service, reader, addresses, pixels, metrics);
        Jobs jobs = new Jobs(service, reader, addresses, pixels);
        Catalog catalog = new Catalog(service);
        work("/v1/images/generations", images::generate);
        work("/v1/images/edits", images::edit);
        read("/v1/models", Access.KEY, (exchange, _) -> images.models(exchange));
        read("/v1/models/{model}", Access.KEY, (exchange, names) -> images.model(exchange, names.getFirst()));
        work("/api/jobs", jobs::submit);
        read("/api/jobs", Access.KEY, (exchange, _) -> jobs.list(exchange));
        read("/api/jobs/{id}", Access.KEY, (exchange, names) -> jobs.get(exchange, names.getFirst()));
        routes.add(new Route(
                "DELETE",
                "/api/jobs/{id}",
                Access.KEY,
                false,
                (exchange, names) -> jobs.cancel(exchange, names.getFirst())));
        read("/api/jobs/{id}/events", Access.KEY, (exchange, names) -> jobs.events(exchange, names.getFirst()));
        read(
                "/api/jobs/{id}/images/{n}",
                Access.SIGNED,
                (exchange, names) -> jobs.image(exchange, names.getFirst(), names.getLast()));
        read("/api/templates", Access.KEY, (exchange, _) -> catalog.templates(exchange));
        read("/api/loras", Access.KEY, (exchange, _) -> catalog.loras(exchange));
        read("/api/model", Access.KEY, (exchange, _) -> catalog.model(exchange));
        read("/openapi.json", Access.KEY, (exchange, _) -> catalog.description(exchange));
        read("/metrics", Access.KEY, (exchange, _) -> metrics.send(exchange));
        read("/healthz", Access.OPEN, (exchange, _) -> Catalog.health(exchange));
        read("/readyz", Access.OPEN, (exchange, _) -> catalog.readiness(exchange, isStopping));
    }

    /// An endpoint with a body and without names in its path.
    private interface Work {
        void serve(Exchange exchange) throws IOException;
    }

    private void work(String path, Work work) {
        routes.add(new Route(POST, path, Access.KEY, true, (exchange, _) -> work.serve(exchange)));
    }

    private void read(String path, Access access, Endpoint endpoint) {
        routes.add(new Route(GET, path, access, false, endpoint));
    }

    /// Lists the routes, `METHOD path`.
    List<String> routes() {
        return routes.stream().map(route -> route.method() + " " + route.path()).toList();
    }

    /// Refuses new work from now on.
    void refuseWork() {
        isStopping = true;
    }

    /// Number of requests that are not answered yet.
    int active() {
        return active.get();
    }

    @Override
    public boolean handle(Request request, Response response, Callback callback) {
        long begin = System.nanoTime();
        active.incrementAndGet();
        String[] route = {OTHER};
        try (Exchange exchange =
                new Exchange(request, response, settings.limits(), bodyMemory, this::report, () -> isStopping)) {
            serve(exchange, route);
            callback.succeeded();
        } catch (IOException gone) { // nothing can be sent to this client any more
            metrics.clientGone();
            callback.failed(gone);
        } catch (Throwable fault) {
            report(fault);
            callback.failed(fault);
        } finally {
            active.decrementAndGet();
            metrics.request(
                    request.getMethod(), route[0], response.getStatus(), Duration.ofNanos(System.nanoTime() - begin));
        }
        return true;
    }

    /// @param name receives the path of the route
    private void serve(Exchange exchange, String[] name) throws IOException {
        try {
            try {
                dispatch(exchange, name);
            } catch (StencilException fault) {
                ApiException known = ApiException.of(fault);
                if (known == null) {
                    throw fault;
                }
                throw known;
            }
        } catch (ApiException fault) {
            if (exchange.isCommitted()) { // a stream that cannot go on
                throw new IOException(fault);
            }
            exchange.send(fault);
        } catch (RuntimeException | OutOfMemoryError | StackOverflowError fault) {
            report(fault);
            if (exchange.isCommitted()) {
                throw fault;
            }
            exchange.send(ApiException.failed(exchange.id()));
        }
    }

    /// Whether a path says no more than that the server lives, which balancers ask by its address.
    private boolean isProbe(String path) {
        return routes.stream().anyMatch(route -> route.access() == Access.OPEN && route.match(path) != null);
    }

    private void dispatch(Exchange exchange, String[] name) throws IOException {
        if (!isProbe(exchange.path())) {
            guard.checkSource(exchange.headers(), exchange.authority());
        }
        String origin = exchange.headers().get(HttpHeader.ORIGIN);
        if (origin != null) {
            exchange.header("Access-Control-Allow-Origin", origin);
            exchange.header("Vary", "Origin");
        }
        if (exchange.method().equals("OPTIONS")) {
            exchange.header("Access-Control-Allow-Methods", NO_CONTENT_METHODS);
            exchange.header("Access-Control-Allow-Headers", "Authorization, Content-Type, Last-Event-ID");
            exchange.send(204);
            return;
        }
        String method = exchange.method().equals("HEAD") ? GET : exchange.method();
        TreeSet<String> allowed = new TreeSet<>();
        for (Route route : routes) {
            List<String> names = route.match(exchange.path());
            if (names == null) {
                continue;
            }
            allowed.add(route.method());
            if (route.method().equals(method)) {
                name[0] = route.path();
                authorize(route, exchange);
                if (route.startsWork() && isStopping) {
                    throw ApiException.closing();
                }
                route.endpoint().serve(exchange, names);
                return;
            }
        }
        if (allowed.isEmpty()) {
            throw new ApiException(
                    ApiException.NOT_FOUND,
                    "Invalid URL (%s %s)".formatted(exchange.method(), exchange.path()),
                    null,
                    null);
        }
        exchange.header("Allow", String.join(", ", allowed));
        throw new ApiException(
                ApiException.METHOD_NOT_ALLOWED,
                "Not allowed to %s on %s.".formatted(exchange.method(), exchange.path()),
                null,
                "method_not_supported");
    }

    private void authorize(Route route, Exchange exchange) {
        boolean isOpen = switch (route.access()) {
            case OPEN -> true;
            case SIGNED -> guard.isSigned(exchange.path(), exchange.query(Addresses.SIGNATURE));
            case KEY -> false;
        };
        if (!isOpen) {
            guard.checkKey(exchange.headers());
        }
    }

    private void report(Throwable fault) {
        StringBuilder line = new StringBuilder(VisibleText.of(String.valueOf(fault)));
        if (!(fault instanceof StencilException)) {
            for (StackTraceElement element : fault.getStackTrace()) {
                line.append("\n    at ").append(element);
            }
        }
        log.accept(line.toString());
    }
}
