package io.stencil.hub.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpServer;
import io.stencil.hub.http.HubRequest.Subject;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// Which headers go where, when a request is sent on.
class RedirectHeadersTest {

    private static HttpServer server(List<Headers> heard, @Nullable String sendOnTo) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            heard.add(exchange.getRequestHeaders());
            boolean sendOn =
                    sendOnTo != null && exchange.getRequestURI().getPath().equals("/away");
            boolean near = exchange.getRequestURI().getPath().equals("/near");
            if (sendOn || near) {
                exchange.getResponseHeaders().set("Location", near ? "/there" : String.valueOf(sendOnTo));
            }
            exchange.sendResponseHeaders(sendOn || near ? 307 : 200, -1);
            exchange.close();
        });
        server.start();
        return server;
    }

    private static URI site(HttpServer server) {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    }

    @Test
    void whatIsMeantForOneHostGoesToNoOther() throws IOException {
        List<Headers> near = new CopyOnWriteArrayList<>();
        List<Headers> far = new CopyOnWriteArrayList<>();
        HttpServer other = server(far, null);
        HttpServer hub = server(near, site(other) + "/x");
        Credentials credentials =
                new Credentials(Token.of("token", "secret"), site(hub), Map.of("Authorization", "Bearer %s"), "TOKEN");
        try (HubHttp http = new HubHttp(credentials, HttpSettings.DEFAULT)) {
            HubRequest call = HubRequest.get(site(hub).resolve("/away"), new Subject("repository", null))
                    .with("authorization", "Basic action")
                    .with("X-Signed", "yes")
                    .with("Range", "bytes=0-1");
            http.send(call, answer -> answer.status());
            // The hub's own header for this request takes the place of the token's.
            assertThat(near.getFirst().get("Authorization")).containsExactly("Basic action");
            assertThat(near.getFirst().get("X-signed")).containsExactly("yes");
            assertThat(far.getFirst()).doesNotContainKeys("Authorization", "X-signed");
            assertThat(far.getFirst().get("Range")).containsExactly("bytes=0-1");

            http.send(call.to(site(hub).resolve("/near")), answer -> answer.status());
            assertThat(near).hasSize(3);
            assertThat(near.getLast().get("Authorization")).containsExactly("Basic action");
        } finally {
            hub.stop(0);
            other.stop(0);
        }
    }
}
