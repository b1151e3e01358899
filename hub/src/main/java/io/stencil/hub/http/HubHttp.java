package io.stencil.hub.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.stencil.error.HubException;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
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
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipException;
import org.jspecify.annotations.Nullable;

/// Sends requests: signs them, follows redirects, asks again after a passing fault, and tells a lasting one in one
/// line.
public final class HubHttp implements AutoCloseable {

    private static final int MAX_REDIRECTS = 5;
    /// Bytes of one attempt that show that a connection is of use.
    private static final long HEADWAY = 1 << 10;
    private static final int MAX_JSON_BYTES = 64 << 20;
    private static final int PART = 206;
    private static final int PROXY_REFUSAL = 407;
    private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);
    /// What may go along to another host than the one that it was meant for.
    private static final Set<String> OPEN_HEADERS = Set.of("accept", "content-type", "range");
    private static final JsonMapper MAPPER = new JsonMapper();
    /// How Java's client reports a proxy's answer to CONNECT.
    private static final Pattern TUNNEL = Pattern.compile("Tunnel failed, got: (\\d{3})");

    private final Credentials credentials;
    private final ServerText told;
    private final HttpSettings settings;
    private final HttpClient client;
    private final ScheduledExecutorService watcher;

    /// Reads an answer; an [IOException] means that it broke off and may be asked for again.
    public interface AnswerReader<T extends @Nullable Object> {
        T read(HubAnswer answer) throws IOException;
    }

    /// A request whose answer may come in several pieces, each of an attempt.
    public interface ContinuedCall<T extends @Nullable Object> extends AnswerReader<T> {

        /// Requests what is missing.
        HubCall call();

        /// Bytes that were received and are kept.
        long received();
    }

    public HubHttp(Credentials credentials, HttpSettings settings) {
        this.credentials = credentials;
        this.told = credentials.told();
        this.settings = settings;
        this.client = HttpClient.newBuilder()
                .connectTimeout(settings.connect())
                .followRedirects(HttpClient.Redirect.NEVER)
                .version(HttpClient.Version.HTTP_1_1)
                .proxy(settings.proxies().selector())
                .build();
        this.watcher = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().daemon().name("hub-silence").factory());
    }

    /// The answer as JSON.
    public JsonNode json(HubCall call) {
        return send(call, answer -> parse(call, answer));
    }

    /// The answer as JSON, or empty where there is nothing.
    public Optional<JsonNode> find(HubCall call) {
        return send(
                call.allowingAbsence(),
                answer -> answer.status() == 404 ? Optional.empty() : Optional.of(parse(call, answer)));
    }

    /// The body of an answer as JSON.
    ///
    /// @throws HubException when it is none, or too long
    public JsonNode parse(HubCall call, HubAnswer answer) throws IOException {
        byte[] body = answer.body().readNBytes(MAX_JSON_BYTES + 1);
        if (body.length > MAX_JSON_BYTES) {
            throw call.subject().fault("the hub's answer is longer than %s MB".formatted(MAX_JSON_BYTES >> 20));
        }
        UnexpectedBody unexpected = new UnexpectedBody(answer.header("Content-Type"), body, true);
        try {
            JsonNode json = MAPPER.readTree(body);
            if (json == null || json.isMissingNode()) {
                throw call.subject().fault("the hub's answer is empty, where JSON is expected");
            }
            return json;
        } catch (JsonProcessingException e) {
            String why = unexpected.kind() == UnexpectedBody.Kind.HTML ? remedy(unexpected) : told.of(JsonReason.of(e));
            throw call.subject()
                    .fault(
                            "the hub's answer is no JSON but %s: %s".formatted(describe(unexpected), why),
                            told.cause(e));
        }
    }

    /// What a body is that is not what was requested, for messages.
    public String describe(UnexpectedBody body) {
        return body.describe(told);
    }

    /// What to do about it.
    public String remedy(UnexpectedBody body) {
        return body.remedy(credentials.variable());
    }

    /// An address that a server names.
    ///
    /// @param base against which a relative one is seen
    /// @throws HubException when it is none, or leads from HTTPS to what everybody reads along
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

    /// What a server says, as it may be told to people.
    public String told(@Nullable String said) {
        return told.of(said);
    }

    /// Refuses what a server names, where its name would be told and written: the token has no place in it.
    ///
    /// @throws HubException without the name
    public void requireNoToken(Subject subject, String name) {
        if (holdsToken(name)) {
            throw subject.fault("the hub names a file by the token that it was told; nothing of it is fetched");
        }
    }

    /// Whether the token stands in a text, in whichever case.
    public boolean holdsToken(String text) {
        Token token = credentials.token();
        return token != null && token.isIn(text);
    }

    /// Refuses to send a file that the token stands in.
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

    /// Sends what must not be done twice. Where a fault leaves open whether it was done, the hub is asked before the
    /// request is repeated.
    ///
    /// @param reader refuses an answer that tells of a failure
    /// @param isDone asks the hub
    /// @throws HubException when it is refused, or fails too often
    public void change(HubCall call, AnswerReader<?> reader, BooleanSupplier isDone) {
        for (int attempt = 1; ; attempt++) {
            try {
                once(call, reader);
                return;
            } catch (PassingFault e) {
                if (isDone.getAsBoolean()) {
                    return;
                }
                pause(call.subject(), attempt, e);
            }
        }
    }

    /// Sends a request until it is answered, or it is clear that it will not be.
    ///
    /// @throws HubException when it is refused, or fails too often
    public <T extends @Nullable Object> T send(HubCall call, AnswerReader<T> reader) {
        return send(new ContinuedCall<T>() {
            @Override
            public HubCall call() {
                return call;
            }

            @Override
            public T read(HubAnswer answer) throws IOException {
                return reader.read(answer);
            }

            @Override
            public long received() {
                return 0;
            }
        });
    }

    /// Sends a request that continues after a fault behind what was received. An attempt that brought less than 1 KB
    /// counts as a failed one; others may follow without end, as each makes headway.
    ///
    /// @throws HubException when it is refused, or fails too often
    public <T extends @Nullable Object> T send(ContinuedCall<T> work) {
        int failed = 0;
        while (true) {
            HubCall call = work.call();
            long before = work.received();
            try {
                return once(call, work);
            } catch (PassingFault e) {
                failed = work.received() - before >= HEADWAY ? 1 : failed + 1;
                pause(call.subject(), failed, e);
            }
        }
    }

    /// Waits for the next attempt, or tells that there is none.
    private void pause(Subject subject, int attempt, PassingFault fault) {
        RetryPolicy retry = settings.retry();
        Duration pause = fault.wait == null ? retry.pause(attempt) : fault.wait;
        if (attempt >= retry.attempts()) {
            throw subject.fault("%s; gave up after %s attempts".formatted(fault.text, attempt), fault);
        }
        if (pause.compareTo(retry.patience()) > 0) {
            throw subject.fault("%s; it asks to wait for %s s".formatted(fault.text, pause.toSeconds()), fault);
        }
        try {
            Thread.sleep(pause);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw subject.fault("was interrupted", e);
        }
    }

    private <T extends @Nullable Object> T once(HubCall call, AnswerReader<T> reader) throws PassingFault {
        HubCall current = call;
        try {
            for (int redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
                WatchedExchange exchange = new WatchedExchange(client, settings.silence());
                HttpResponse<InputStream> response = exchange.send(request(current, exchange));
                try (WatchedBody body = new WatchedBody(response.body(), settings.silence(), watcher)) {
                    int status = response.statusCode();
                    if (REDIRECTS.contains(status)) {
                        current = redirected(current, response);
                    } else if (status / 100 == 2 || (status == 404 && call.mayBeAbsent())) {
                        return read(current, response, body, reader);
                    } else {
                        throw refused(current, response, body);
                    }
                }
            }
            throw call.subject().fault("the hub redirects more than %s times".formatted(MAX_REDIRECTS));
        } catch (PassingFault e) {
            throw e;
        } catch (IOException | UnresolvedAddressException e) {
            LocalFault.of(e).ifPresent(local -> {
                throw local;
            });
            requireTunnel(current, e);
            throw new PassingFault(describe(current.uri(), e), null, told.cause(e));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw call.subject().fault("was interrupted", e);
        }
    }

    private <T extends @Nullable Object> T read(
            HubCall call, HttpResponse<?> response, InputStream body, AnswerReader<T> reader) throws IOException {
        int status = response.statusCode();
        // Part of an encoded body cannot be decoded without the rest.
        String coding = status == PART ? "" : ContentCoding.of(response.headers());
        if (!ContentCoding.isDecodable(coding)) {
            throw call.subject()
                    .fault(
                            "the answer has Content-Encoding '%s', though 'identity' was requested; a cache or proxy compresses it: bypass that, or use another address of the hub"
                                    .formatted(told.of(coding)));
        }
        try (InputStream content = ContentCoding.decode(coding, body)) {
            return reader.read(new HubAnswer(status, response.headers(), call.uri(), content));
        } catch (ZipException e) {
            throw call.subject()
                    .fault(
                            "the answer has Content-Encoding '%s' and is no such data (%s)"
                                    .formatted(told.of(coding), told.of(reason(e))),
                            told.cause(e));
        }
    }

    /// The call's own headers come last, as what a hub asks for in its answers goes before what Stencil would send.
    private HttpRequest request(HubCall call, WatchedExchange exchange) {
        HttpRequest.Builder request = HttpRequest.newBuilder(call.uri())
                .method(call.method(), exchange.watched(call.body().get()))
                .setHeader("User-Agent", "stencil")
                .setHeader("Accept-Encoding", ContentCoding.IDENTITY);
        credentials.sign(request, call.uri());
        for (Map.Entry<String, String> header : call.headers().entrySet()) {
            try {
                request.setHeader(header.getKey(), header.getValue());
            } catch (IllegalArgumentException e) {
                throw call.subject()
                        .fault("the hub asks for a header that cannot be sent: " + told.of(header.getKey()));
            }
        }
        settings.proxies()
                .of(call.uri())
                .map(HttpProxy::authorization)
                .ifPresent(authorization -> request.setHeader("Proxy-Authorization", authorization));
        return request.build();
    }

    private HubCall redirected(HubCall call, HttpResponse<?> response) {
        String location = response.headers().firstValue("Location").orElse("");
        URI target;
        try {
            target = call.uri().resolve(location);
        } catch (IllegalArgumentException e) {
            throw call.subject().fault("the hub redirects to what is no address", told.cause(e));
        }
        boolean secure = "https".equals(target.getScheme());
        boolean asBefore =
                "http".equals(target.getScheme()) && "http".equals(call.uri().getScheme());
        if (location.isEmpty() || target.getHost() == null || !(secure || asBefore)) {
            throw call.subject().fault("the hub redirects to where it must not: " + told.of(target.getScheme()));
        }
        return Credentials.isSameOrigin(call.uri(), target)
                ? call.to(target)
                : call.to(target).withOnly(OPEN_HEADERS);
    }

    /// Throws what may pass and gives what lasts.
    private HubException refused(HubCall call, HttpResponse<?> response, InputStream body) throws PassingFault {
        int status = response.statusCode();
        Subject subject = call.subject();
        if (status == PROXY_REFUSAL) {
            throw subject.fault("%s requires a user and password (407); %s"
                    .formatted(proxy(call.uri()), settings.proxies().passwordRemedy(call.uri())));
        }
        String text = Refusal.text(response, body, credentials);
        if (mayPass(status)) {
            throw new PassingFault(text, retryAfter(response), null);
        }
        return subject.fault(text, new RefusalException(text));
    }

    /// What `Retry-After` asks for: seconds, or a date.
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

    /// Fails where a proxy answered in place of the hub and did not connect to it.
    private void requireTunnel(HubCall call, Exception e) throws PassingFault {
        Matcher tunnel = TUNNEL.matcher(reason(e));
        if (tunnel.matches()) {
            String text = "%s does not connect to %s (%s); check HTTPS_PROXY and NO_PROXY"
                    .formatted(proxy(call.uri()), told.of(call.uri().getHost()), tunnel.group(1));
            if (mayPass(Integer.parseInt(tunnel.group(1)))) {
                throw new PassingFault(text, null, null);
            }
            throw call.subject().fault(text);
        }
    }

    private static boolean mayPass(int status) {
        return status == 408 || status == 429 || status >= 500;
    }

    private String proxy(URI target) {
        return "the proxy"
                + settings.proxies().of(target).map(proxy -> " " + proxy).orElse("");
    }

    private String describe(URI uri, Exception e) {
        boolean isThrough = settings.proxies().of(uri).isPresent();
        String hub = told.of(uri.getHost()) + (uri.getPort() < 0 ? "" : ":" + uri.getPort());
        String first = isThrough ? proxy(uri) : hub;
        String remedy = isThrough ? "check the network and that address" : "check the network and --hub";
        return switch (e) {
            case HttpConnectTimeoutException _ ->
                "%s cannot be reached within %s ms; %s"
                        .formatted(first, settings.connect().toMillis(), remedy);
            case SilenceException silence -> "%s %s".formatted(hub, silence.getMessage());
            case ConnectException _ -> "%s cannot be reached; %s".formatted(first, remedy);
            case UnresolvedAddressException _ -> "%s is no known host; %s".formatted(first, remedy);
            default -> "the connection to %s broke off (%s)".formatted(hub, told.of(reason(e)));
        };
    }

    private static String reason(Exception e) {
        String message = e.getMessage();
        return message == null ? e.getClass().getSimpleName() : message;
    }

    /// A fault that may be gone at the next attempt.
    private static final class PassingFault extends IOException {
        private static final long serialVersionUID = 1L;

        private final String text;
        private final transient @Nullable Duration wait;

        PassingFault(String text, @Nullable Duration wait, @Nullable Throwable cause) {
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
