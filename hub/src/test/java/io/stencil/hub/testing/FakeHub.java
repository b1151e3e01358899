package io.stencil.hub.testing;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/// A hub in memory on two ports of this machine: one speaks the protocols of Hugging Face and ModelScope, the other
/// is the storage that it redirects to.
public final class FakeHub implements AutoCloseable {

    private final HttpServer hub;
    private final HttpServer storage;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final List<Fault> faults = new CopyOnWriteArrayList<>();
    private final List<String> requests = new CopyOnWriteArrayList<>();
    private final List<String> storageAuthorizations = new CopyOnWriteArrayList<>();
    private final List<Headers> headers = new CopyOnWriteArrayList<>();
    private final Traffic traffic = new Traffic();

    final Map<String, FakeRepository> repositories = new ConcurrentHashMap<>();
    final Map<String, byte[]> objects = new ConcurrentHashMap<>();
    /// Parts by number, of the uploads that have begun.
    final Map<String, Map<Integer, byte[]>> uploads = new ConcurrentHashMap<>();
    private volatile String token = "";
    private volatile int partBytes;

    public FakeHub() {
        try {
            InetSocketAddress any = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
            hub = HttpServer.create(any, 0);
            storage = HttpServer.create(any, 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        FakeHuggingFace huggingFace = new FakeHuggingFace(this);
        FakeModelScope modelScope = new FakeModelScope(this);
        FakeStorage objectStore = new FakeStorage(this);
        serve(hub, exchange -> {
            if (!isAllowed(exchange)) {
                exchange.answer(
                        401, "{\"error\": \"Invalid credentials: %s\"}".formatted(authorization(exchange.http())));
            } else if (exchange.path().startsWith("/api/v1/")) {
                modelScope.answer(exchange);
            } else {
                huggingFace.answer(exchange);
            }
        });
        serve(storage, exchange -> {
            String authorization = authorization(exchange.http());
            if (!authorization.isEmpty()) {
                storageAuthorizations.add(authorization);
            }
            objectStore.answer(exchange);
        });
    }

    private interface Answering {
        void answer(FakeExchange exchange) throws IOException;
    }

    private void serve(HttpServer server, Answering answering) {
        server.setExecutor(threads);
        server.createContext("/", exchange -> {
            String request = exchange.getRequestMethod() + " " + exchange.getRequestURI();
            requests.add(request);
            headers.add(exchange.getRequestHeaders());
            Fault.Kind fault = null;
            for (Fault one : faults) {
                if (fault == null && one.takes(request)) {
                    fault = one.kind();
                }
            }
            FakeExchange fake = new FakeExchange(exchange, fault, traffic);
            try {
                if (fault instanceof Fault.Status(int code, Map<String, String> headers, String text)) {
                    fake.body(); // an answer in the middle of a body would be no answer but a broken connection
                    headers.forEach(
                            (name, value) -> exchange.getResponseHeaders().set(name, value));
                    fake.answer(code, text);
                } else {
                    answering.answer(fake);
                }
            } finally {
                exchange.close();
            }
        });
        server.start();
    }

    private boolean isAllowed(FakeExchange exchange) {
        String given = authorization(exchange.http());
        return token.isEmpty() || given.contains("Bearer " + token);
    }

    private static String authorization(HttpExchange exchange) {
        String bearer = exchange.getRequestHeaders().getFirst("Authorization");
        String cookie = exchange.getRequestHeaders().getFirst("Cookie");
        return (bearer == null ? "" : bearer) + (cookie == null ? "" : cookie);
    }

    public URI site() {
        return URI.create("http://127.0.0.1:" + hub.getAddress().getPort());
    }

    String storageSite() {
        return "http://127.0.0.1:" + storage.getAddress().getPort();
    }

    public FakeRepository repository(String id) {
        return repositories.computeIfAbsent(id, _ -> new FakeRepository());
    }

    /// The repositories that there are.
    public Map<String, FakeRepository> repositories() {
        return repositories;
    }

    /// From now on every request to the hub needs this token.
    public void requireToken(String wanted) {
        token = wanted;
    }

    /// From now on large files are to be sent in parts; 0 ends it.
    public void useParts(int bytes) {
        partBytes = bytes;
    }

    /// From now on the addresses of parts that were given before are good no more.
    public void endUploads() {
        uploads.clear();
    }

    int partBytes() {
        return partBytes;
    }

    public void fail(Fault fault) {
        faults.add(fault);
    }

    public void heal() {
        faults.clear();
    }

    /// Methods and addresses of all requests so far.
    public List<String> requests() {
        return requests;
    }

    /// What the storage learned of its caller; must stay empty.
    public List<String> storageAuthorizations() {
        return storageAuthorizations;
    }

    /// All values of a header of the requests so far.
    public List<String> headers(String name) {
        return headers.stream()
                .flatMap(one -> one.getOrDefault(name, List.of()).stream())
                .toList();
    }

    /// Bytes of files that were sent.
    public long served() {
        return traffic.sent();
    }

    /// From now on no byte of a file is sent when so many were, until another limit is set.
    public void holdAt(long bytes) {
        traffic.limit(bytes);
    }

    @Override
    public void close() {
        traffic.close();
        hub.stop(0);
        storage.stop(0);
        threads.shutdownNow();
    }
}
