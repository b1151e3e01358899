package io.stencil.hub.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.stencil.error.HubException;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.jspecify.annotations.Nullable;

/// Sends requests: signs them, follows redirects, asks again after a passing fault, and tells a lasting one in one
/// line.
public final class HubHttp implements AutoCloseable {

    private static final int MAX_REDIRECTS = 5;
    private static final int MAX_JSON_BYTES = 64 << 20;
    /// The slowest sending that is waited for, in bytes a second.
    private static final long SLOWEST = 64 << 10;
    private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);
    private static final JsonMapper MAPPER = new JsonMapper();

    private final Credentials credentials;
    private final HttpSettings settings;
    private final HttpClient client;
    private final ScheduledExecutorService watcher;

    /// Reads an answer; an [IOException] means that it broke off and may be asked for again.
    public interface AnswerReader<T extends @Nullable Object> {
        T read(HubAnswer answer) throws IOException;
    }

    public HubHttp(Credentials credentials, HttpSettings settings) {
        this.credentials = credentials;
        this.settings = settings;
        this.client = HttpClient.newBuilder()
                .connectTimeout(settings.connect())
                .followRedirects(HttpClient.Redirect.NEVER)
                .version(HttpClient.Version.HTTP_1_1)
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

    private static JsonNode parse(HubCall call, HubAnswer answer) throws IOException {
        byte[] body = answer.body().readNBytes(MAX_JSON_BYTES);
        try {
            JsonNode json = MAPPER.readTree(body);
            if (json == null || json.isMissingNode()) {
                throw call.subject().fault("the hub's answer is empty, where JSON is expected");
            }
            return json;
        } catch (JsonProcessingException e) {
            throw call.subject().fault("the hub's answer is no JSON: " + e.getOriginalMessage(), e);
        }
    }

    /// Sends a request until it is answered, or it is clear that it will not be.
    ///
    /// @throws HubException when it is refused, or fails too often
    public <T extends @Nullable Object> T send(HubCall call, AnswerReader<T> reader) {
        for (int attempt = 1; ; attempt++) {
            Duration pause;
            try {
                return once(call, reader);
            } catch (PassingFault e) {
                pause = e.wait == null ? settings.retry().pause(attempt) : e.wait;
                if (attempt >= settings.retry().attempts()) {
                    throw call.subject().fault("%s; gave up after %d attempts".formatted(e.text, attempt), e);
                }
                if (pause.compareTo(settings.retry().patience()) > 0) {
                    throw call.subject().fault("%s; it asks to wait for %d s".formatted(e.text, pause.toSeconds()), e);
                }
            }
            sleep(pause, call.subject());
        }
    }

    private <T extends @Nullable Object> T once(HubCall call, AnswerReader<T> reader) throws PassingFault {
        HubCall current = call;
        try {
            for (int redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
                HttpResponse<InputStream> response =
                        client.send(request(current), HttpResponse.BodyHandlers.ofInputStream());
                try (WatchedBody body = new WatchedBody(response.body(), settings.silence(), watcher)) {
                    int status = response.statusCode();
                    if (REDIRECTS.contains(status)) {
                        current = redirected(current, response);
                    } else if (status / 100 == 2 || (status == 404 && call.mayBeAbsent())) {
                        return reader.read(new HubAnswer(status, response.headers(), current.uri(), body));
                    } else {
                        throw refused(call.subject(), response, body);
                    }
                }
            }
            throw call.subject().fault("the hub redirects more than %d times".formatted(MAX_REDIRECTS));
        } catch (PassingFault e) {
            throw e;
        } catch (IOException | UnresolvedAddressException e) {
            throw new PassingFault(describe(current.uri(), e), null, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw call.subject().fault("was interrupted", e);
        }
    }

    private HttpRequest request(HubCall call) {
        HttpRequest.Builder request = HttpRequest.newBuilder(call.uri())
                .timeout(settings.silence().plusSeconds(call.bodyBytes() / SLOWEST))
                .method(call.method(), call.body().get())
                .header("User-Agent", "stencil");
        call.headers().forEach(request::header);
        credentials.sign(request, call.uri());
        return request.build();
    }

    private static HubCall redirected(HubCall call, HttpResponse<?> response) {
        String location = response.headers().firstValue("Location").orElse("");
        URI target;
        try {
            target = call.uri().resolve(location);
        } catch (IllegalArgumentException e) {
            throw call.subject().fault("the hub redirects to what is no address", e);
        }
        boolean secure = "https".equals(target.getScheme());
        boolean asBefore =
                "http".equals(target.getScheme()) && "http".equals(call.uri().getScheme());
        if (location.isEmpty() || target.getHost() == null || !(secure || asBefore)) {
            throw call.subject().fault("the hub redirects to where it must not: " + target.getScheme());
        }
        return call.to(target);
    }

    /// Throws what may pass and gives what lasts.
    private HubException refused(Subject subject, HttpResponse<?> response, InputStream body) throws PassingFault {
        int status = response.statusCode();
        String text = Refusal.text(status, Refusal.said(body), credentials);
        if (status == 408 || status == 429 || status >= 500) {
            throw new PassingFault(text, retryAfter(response), null);
        }
        return subject.fault(text);
    }

    /// What `Retry-After` asks for: seconds, or a date.
    private static @Nullable Duration retryAfter(HttpResponse<?> response) {
        String value = response.headers().firstValue("Retry-After").orElse("").strip();
        if (value.matches("\\d{1,9}")) {
            return Duration.ofSeconds(Long.parseLong(value));
        }
        try {
            ZonedDateTime date = ZonedDateTime.parse(value, DateTimeFormatter.RFC_1123_DATE_TIME);
            Duration wait = Duration.between(ZonedDateTime.now(date.getZone()), date);
            return wait.isNegative() ? Duration.ZERO : wait;
        } catch (DateTimeParseException e) {
            return null;
        }
    }

    private String describe(URI uri, Exception e) {
        String host = uri.getHost() + (uri.getPort() < 0 ? "" : ":" + uri.getPort());
        return switch (e) {
            case HttpTimeoutException _ ->
                "%s did not answer within %d ms"
                        .formatted(host, settings.silence().toMillis());
            case SilenceException silence -> "%s fell silent: %s".formatted(host, silence.getMessage());
            case ConnectException _ -> host + " cannot be reached; check the network and --hub";
            case UnresolvedAddressException _ -> host + " is no known host; check the network and --hub";
            default -> "the connection to %s broke off (%s)".formatted(host, credentials.redact(reason(e)));
        };
    }

    private static String reason(Exception e) {
        String message = e.getMessage();
        return message == null ? e.getClass().getSimpleName() : message;
    }

    private static void sleep(Duration pause, Subject subject) {
        try {
            Thread.sleep(pause);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw subject.fault("was interrupted", e);
        }
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
