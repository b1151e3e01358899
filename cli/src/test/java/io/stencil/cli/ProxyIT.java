package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.hub.testing.FakeProxy;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The command line behind a proxy of its environment.
class ProxyIT {

    @TempDir
    private Path temporary;

    private StencilRun fetch(String proxy) throws IOException, InterruptedException {
        Map<String, String> environment = Map.of(
                "HTTPS_PROXY", proxy,
                "https_proxy", "",
                "NO_PROXY", "",
                "no_proxy", "",
                "HF_ENDPOINT", "https://hub.example",
                "HF_TOKEN", "",
                "HF_HOME", temporary.resolve("hf").toString());
        return StencilProcess.start(temporary, environment, "fetch", "org/m:", "--hub=huggingface")
                .await();
    }

    /// Java sends none for HTTPS unless the program says so: a proxy that got it refuses something else.
    @Test
    void itsPasswordIsSentForHttps() throws IOException, InterruptedException {
        try (FakeProxy proxy = new FakeProxy(1)) {
            proxy.require("Basic dXNlcjpwYXNz");
            proxy.refuse(403);
            fetch("http://user:pass@" + proxy.address())
                    .failed(
                            1,
                            "https://hub.example/org/m: the proxy %s (HTTPS_PROXY) does not connect to hub.example (403)"
                                    .formatted(proxy.address()));
            assertThat(proxy.heads()).allMatch(head -> head.startsWith("CONNECT hub.example:443 "));
        }
    }

    @Test
    void anAddressThatIsNoneIsOneLine() throws IOException, InterruptedException {
        fetch("socks5://user:pass@proxy:1080")
                .failed(1, "'HTTPS_PROXY': names a proxy of the kind 'socks5', which is not supported");
    }
}
