package io.stencil.hub.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.error.HubException;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.hub.http.HubRequest.Subject;
import io.stencil.hub.http.HubResponse.UnexpectedBody;
import io.stencil.json.Json;
import io.stencil.json.JsonReason;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.channels.UnresolvedAddressException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipException;
import org.jspecify.annotations.Nullable;

/// Sends authenticated requests, follows redirects, and retries transient failures.
public final class HubHttp implements AutoCloseable {

    private static final int MAX_REDIRECTS = 5;
    /// Bytes of one attempt below which it counts as failed.
    private static final long MIN_PROGRESS = 1 << 10;
    private static final int MAX_JSON_BYTES = 64 << 20;
    private static final int PART = 206;
    private static final int PROXY_REFUSAL = 407;
    private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);
    /// Headers that a redirect to another host keeps.
    private static final Set<String> PORTABLE_HEADERS = Set.of("accept", "content-type", "range");
    /// Message of Java's client for a proxy's response to CONNECT.
    private static final Pattern TUNNEL = Pattern.compile("Tunnel failed, got: (\\d{3})");

    private final Credentials credentials;
    private final HttpSettings settings;
    private final HttpClient client;
    private final ScheduledExecutorService watcher;

    /// Reads a response; an [IOException] means that it broke off and the request is retried.
    public interface ResponseReader<T extends @Nullable Object> {
        T read(HubResponse response) throws IOException;
    }

    public HubHttp(Credentials credentials, HttpSettings settings) {
        this.credentials = credentials;
        this.settings = settings;
        this.client = HttpClient.newBuilder()
                .connectTimeout(settings.connectTimeout())
                .followRedirects(HttpClient.Redirect.NEVER)
                .version(HttpClient.Version.HTTP_1_1)
                .proxy(settings.proxies().selector())
                .build();
        this.watcher = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().daemon().name("hub-stalls").factory());
    }

    /// Requests JSON.
    public JsonNode json(HubRequest request) {
        return send(request, response -> parse(request, response));
    }

    /// Requests JSON; empty for status 404.
    public Optional<JsonNode> find(HubRequest request) {
        return send(
                request.allowingAbsence(),
                response -> response.status() == 404 ? Optional.empty() : Optional.of(parse(request, response)));
    }

    /// Parses the body of a response as JSON.
    ///
    /// @throws HubException when it is not JSON, or too long
    public JsonNode parse(HubRequest request, HubResponse response) throws IOException {
        byte[] body = response.body().readNBytes(MAX_JSON_BYTES + 1);
        if (body.length > MAX_JSON_BYTES) {
            throw request.subject().fault("the hub's answer is longer than %s MB".formatted(MAX_JSON_BYTES >> 20));
        }
        UnexpectedBody unexpected = new UnexpectedBody(response.header("Content-Type"), body, true);
        try {
            JsonNode json = Json.FOREIGN.readTree(body);
            if (json == null || json.isMissingNode()) {
                throw request.subject().fault("the hub's answer is empty, where JSON is expected");
            }
            return json;
        } catch (JsonProcessingException e) {
            String why = unexpected.kind() == UnexpectedBody.Kind.HTML
                    ? remedy(unexpected)
                    : credentials.sanitize(JsonReason.of(e));
            throw request.subject()
                    .fault(
                            "the hub's answer is not JSON but %s: %s".formatted(describe(unexpected), why),
                            credentials.sanitize(e));
        }
    }

    /// Describes a body that is not the requested content.
    public String describe(UnexpectedBody body) {
        return body.describe(credentials);
    }

    /// Names the remedy for such a body.
    public String remedy(UnexpectedBody body) {
        return body.remedy(credentials.variable());
    }

    /// Resolves an address that a server names.
    ///
    /// @param base of a relative address
    /// @throws HubException when it is not an address, or leads from HTTPS to an unencrypted connection
    public static URI address(URI base, String text, Subject subject) {
        URI uri;
        try {
            uri = base.resolve(text);
        } catch (IllegalArgumentException e) {
            // Without the cause, which repeats what may hold a secret.
            throw subject.fault("the hub gives no address to send it to");
        }
        boolean fit = "https".equals(uri.getScheme()) || Objects.equals(uri.getScheme(), base.getScheme());
        if (uri.getHost() == null || !fit) {
            throw subject.fault("the hub gives no address to send it to");
        }
        return uri;
    }

    /// Prepares text of a server for a message.
    public String sanitize(@Nullable String text) {
        return credentials.sanitize(text);
    }

    /// Refuses a name of a server that contains the token, since names are written and printed.
    ///
    /// @throws HubException without the name
    public void requireNoToken(Subject subject, String name) {
        if (containsToken(name)) {
            throw subject.fault("the hub names a file by the token that it received; nothing of it is fetched");
        }
    }

    /// Returns whether a text contains the token, in either case of letters.
    public boolean containsToken(String text) {
        Token token = credentials.token();
        return token != null && token.isIn(text);
    }

    /// Refuses to send a file that contains the token.
    ///
    /// @throws InvalidFileException naming the file
    public void requireNoToken(Path file) {
        Token token = credentials.token();
        if (token == null) {
            return;
        }
        try (InputStream content = Files.newInputStream(file)) {
            if (token.isIn(content)) {
                throw new InvalidFileException(
                        file, "holds the token of the hub and is not sent; remove it from there");
            }
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(file), "cannot be read: " + e, e);
        }
    }

    /// Sends a request that must not take effect twice: after a transient failure the hub's state decides whether it
    /// is retried.
    ///
    /// @param reader fails for a response that reports a failure
    /// @param isDone queries the hub's state
    /// @throws HubException when the hub refuses it, or it fails too often
    public void change(HubRequest request, ResponseReader<?> reader, BooleanSupplier isDone) {
        for (int attempt = 1; ; attempt++) {
            try {
                once(request, reader);
                return;
            } catch (TransientFailure e) {
                if (isDone.getAsBoolean()) {
                    return;
                }
                pause(request.subject(), attempt, e);
            }
        }
    }

    /// Sends a request and retries transient failures.
    ///
    /// @throws HubException when the hub refuses it, or it fails too often
    public <T extends @Nullable Object> T send(HubRequest request, ResponseReader<T> reader) {
        return send(() -> request, reader, () -> 0);
    }

    /// Sends a request whose retries continue behind the received bytes. Only attempts in a row that received less
    /// than 1 KB count as failed.
    ///
    /// @param request for the missing rest
    /// @param received bytes so far
    /// @throws HubException when the hub refuses it, or it fails too often
    public <T extends @Nullable Object> T send(
            Supplier<HubRequest> request, ResponseReader<T> reader, LongSupplier received) {
        int failed = 0;
        while (true) {
            HubRequest rest = request.get();
            long before = received.getAsLong();
            try {
                return once(rest, reader);
            } catch (TransientFailure e) {
                failed = received.getAsLong() - before >= MIN_PROGRESS ? 1 : failed + 1;
                pause(rest.subject(), failed, e);
            }
        }
    }

    /// Waits for the next attempt, or fails where there is none.
    private void pause(Subject subject, int attempt, TransientFailure fault) {
        HttpSettings.RetryPolicy retry = settings.retry();
        Duration pause = fault.wait == null ? retry.pause(attempt) : fault.wait;
        if (attempt >= retry.attempts()) {
            throw subject.fault("%s; gave up after %s attempts".formatted(fault.text, attempt), fault);
        }
        if (pause.compareTo(retry.patience()) > 0) {
            throw subject.fault("%s; it requests a wait of %s s".formatted(fault.text, pause.toSeconds()), fault);
        }
        try {
            Thread.sleep(pause);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw subject.fault("was interrupted", e);
        }
    }

    private <T extends @Nullable Object> T once(HubRequest request, ResponseReader<T> reader) throws TransientFailure {
        HubRequest current = request;
        try {
            for (int redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
                TimedExchange exchange = new TimedExchange(client, settings.stallTimeout());
                HttpResponse<InputStream> response = exchange.send(build(current, exchange));
                try (TimedExchange.Body body =
                        new TimedExchange.Body(response.body(), settings.stallTimeout(), watcher)) {
                    int status = response.statusCode();
                    if (REDIRECTS.contains(status)) {
                        current = redirected(current, response);
                    } else if (status / 100 == 2 || (status == 404 && request.mayBeAbsent())) {
                        return read(current, response, body, reader);
                    } else {
                        throw refused(current, response, body);
                    }
                }
            }
            throw request.subject().fault("the hub redirects more than %s times".formatted(MAX_REDIRECTS));
        } catch (TransientFailure e) {
            throw e;
        } catch (IOException | UnresolvedAddressException e) {
            requireLocalFilesUsable(e);
            requireTunnel(current, e);
            throw new TransientFailure(describe(current.uri(), e), null, credentials.sanitize(e));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw request.subject().fault("was interrupted", e);
        }
    }

    private <T extends @Nullable Object> T read(
            HubRequest request, HttpResponse<?> response, InputStream body, ResponseReader<T> reader)
            throws IOException {
        int status = response.statusCode();
        // Part of an encoded body cannot be decoded without the rest.
        String coding = status == PART ? "" : HubResponse.contentCoding(response.headers());
        if (!HubResponse.isDecodable(coding)) {
            throw request.subject()
                    .fault(
                            "the answer has Content-Encoding '%s', though 'identity' was requested; a cache or proxy compresses it: bypass that, or use another address of the hub"
                                    .formatted(credentials.sanitize(coding)));
        }
        try (InputStream content = HubResponse.decode(coding, body)) {
            return reader.read(new HubResponse(status, response.headers(), request.uri(), content));
        } catch (ZipException e) {
            throw request.subject()
                    .fault(
                            "the answer has Content-Encoding '%s' but cannot be decoded (%s)"
                                    .formatted(credentials.sanitize(coding), credentials.sanitize(reason(e))),
                            credentials.sanitize(e));
        }
    }

    /// The request's own headers come last, as those that a hub named in a response go before Stencil's.
    private HttpRequest build(HubRequest request, TimedExchange exchange) {
        HttpRequest.Builder builder = HttpRequest.newBuilder(request.uri())
                .method(request.method(), exchange.watched(request.body().get()))
                .setHeader("User-Agent", "stencil")
                .setHeader("Accept-Encoding", HubResponse.IDENTITY);
        credentials.sign(builder, request.uri());
        for (Map.Entry<String, String> header : request.headers().entrySet()) {
            try {
                builder.setHeader(header.getKey(), header.getValue());
            } catch (IllegalArgumentException e) {
                throw request.subject()
                        .fault("the hub requires a header that cannot be sent: "
                                + credentials.sanitize(header.getKey()));
            }
        }
        settings.proxies()
                .of(request.uri())
                .map(Proxies.HttpProxy::authorization)
                .ifPresent(authorization -> builder.setHeader("Proxy-Authorization", authorization));
        return builder.build();
    }

    private HubRequest redirected(HubRequest request, HttpResponse<?> response) {
        String location = response.headers().firstValue("Location").orElse("");
        URI target;
        try {
            target = request.uri().resolve(location);
        } catch (IllegalArgumentException e) {
            throw request.subject().fault("the hub redirects to an invalid URL", credentials.sanitize(e));
        }
        boolean secure = "https".equals(target.getScheme());
        boolean asBefore =
                "http".equals(target.getScheme()) && "http".equals(request.uri().getScheme());
        if (location.isEmpty() || target.getHost() == null || !(secure || asBefore)) {
            throw request.subject()
                    .fault("the hub redirects to where it must not: " + credentials.sanitize(target.getScheme()));
        }
        return Credentials.isSameOrigin(request.uri(), target)
                ? request.to(target)
                : request.to(target).withOnly(PORTABLE_HEADERS);
    }

    /// Throws a transient failure and returns a permanent one.
    private HubException refused(HubRequest request, HttpResponse<?> response, InputStream body)
            throws TransientFailure {
        int status = response.statusCode();
        Subject subject = request.subject();
        if (status == PROXY_REFUSAL) {
            throw subject.fault("%s requires a user and password (407); %s"
                    .formatted(proxy(request.uri()), settings.proxies().passwordRemedy(request.uri())));
        }
        String text = HttpStatusException.describe(response, body, credentials);
        if (isTransient(status)) {
            throw new TransientFailure(text, retryAfter(response), null);
        }
        return subject.fault(text, new HttpStatusException(text));
    }

    /// Parses `Retry-After`: seconds, or a date.
    private static @Nullable Duration retryAfter(HttpResponse<?> response) {
        String value = response.headers().firstValue("Retry-After").orElse("").strip();
        if (value.matches("\\d+")) {
            // More digits than these are years, whichever they are.
            return Duration.ofSeconds(value.length() > 9 ? 999_999_999 : Long.parseLong(value));
        }
        try {
            ZonedDateTime date = ZonedDateTime.parse(value, DateTimeFormatter.RFC_1123_DATE_TIME);
            Duration wait = Duration.between(ZonedDateTime.now(date.getZone()), date);
            return wait.isNegative() ? Duration.ZERO : wait;
        } catch (DateTimeParseException e) {
            return null;
        }
    }

    /// Fails where a proxy responded in place of the hub and did not connect to it.
    private void requireTunnel(HubRequest request, Exception e) throws TransientFailure {
        Matcher tunnel = TUNNEL.matcher(reason(e));
        if (tunnel.matches()) {
            String text = "%s does not connect to %s (%s); check HTTPS_PROXY and NO_PROXY"
                    .formatted(
                            proxy(request.uri()),
                            credentials.sanitize(request.uri().getHost()),
                            tunnel.group(1));
            if (isTransient(Integer.parseInt(tunnel.group(1)))) {
                throw new TransientFailure(text, null, null);
            }
            throw request.subject().fault(text);
        }
    }

    /// Fails where this machine's disk did, in the midst of sending or receiving: no retry helps.
    ///
    /// @throws InvalidFileException naming the file
    private static void requireLocalFilesUsable(Exception failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof FileSystemException disk) {
                String reason = disk.getReason() == null ? "cannot be accessed: " + disk : disk.getReason();
                throw new InvalidFileException(new Location(disk.getFile(), null, null), reason, disk);
            }
        }
    }

    private static boolean isTransient(int status) {
        return status == 408 || status == 429 || status >= 500;
    }

    private String proxy(URI target) {
        return "the proxy"
                + settings.proxies().of(target).map(proxy -> " " + proxy).orElse("");
    }

    private String describe(URI uri, Exception e) {
        boolean isThrough = settings.proxies().of(uri).isPresent();
        String hub = credentials.sanitize(uri.getHost()) + (uri.getPort() < 0 ? "" : ":" + uri.getPort());
        String first = isThrough ? proxy(uri) : hub;
        String remedy = isThrough ? "check the network and that address" : "check the network and --hub";
        return switch (e) {
            case HttpConnectTimeoutException _ ->
                "%s cannot be reached within %s ms; %s"
                        .formatted(first, settings.connectTimeout().toMillis(), remedy);
            case TimedExchange.StallException stall -> "%s %s".formatted(hub, stall.getMessage());
            case ConnectException _ -> "%s cannot be reached; %s".formatted(first, remedy);
            case UnresolvedAddressException _ -> "%s is an unknown host; %s".formatted(first, remedy);
            default -> "the connection to %s broke off (%s)".formatted(hub, credentials.sanitize(reason(e)));
        };
    }

    private static String reason(Exception e) {
        String message = e.getMessage();
        return message == null ? e.getClass().getSimpleName() : message;
    }

    /// Failure that a retry may overcome.
    private static final class TransientFailure extends IOException {
        private static final long serialVersionUID = 1L;

        private final String text;
        private final transient @Nullable Duration wait;

        TransientFailure(String text, @Nullable Duration wait, @Nullable Throwable cause) {
            super(text, cause);
            this.text = text;
            this.wait = wait;
        }
    }

    @Override
    public void close() {
        watcher.shutdownNow();
        client.shutdownNow();
    }
}
