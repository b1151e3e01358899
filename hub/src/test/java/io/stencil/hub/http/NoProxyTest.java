package io.stencil.hub.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import java.net.ProxySelector;
import java.net.URI;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Which requests go through which proxy.
class NoProxyTest {

    private static @Nullable String proxy(Map<String, String> environment, String target) {
        return Proxies.of(environment)
                .of(URI.create(target))
                .map(Proxies.HttpProxy::toString)
                .orElse(null);
    }

    @ParameterizedTest
    @CsvSource({
        "https://huggingface.co/x, '', false",
        "https://huggingface.co/x, *, true",
        "https://huggingface.co/x, huggingface.co, true",
        "https://HuggingFace.co/x, 'example.com, huggingface.CO', true",
        "https://cdn.huggingface.co/x, huggingface.co, true",
        "https://cdn.huggingface.co/x, .huggingface.co, true",
        "https://huggingface.co/x, .huggingface.co, true",
        "https://cdn.huggingface.co/x, *.huggingface.co, true",
        "https://nothuggingface.co/x, huggingface.co, false",
        "https://huggingface.co/x, huggingface.co.uk, false",
        "https://huggingface.co/x, huggingface.co:443, true",
        "https://huggingface.co/x, huggingface.co:8443, false",
        "https://huggingface.co:8443/x, .co:8443, true",
        "https://huggingface.co/x, 'a b  huggingface.co', true",
        "http://10.1.2.3/x, 10.0.0.0/8, true",
        "http://11.1.2.3/x, 10.0.0.0/8, false",
        "http://192.168.4.5:8080/x, 192.168.4.0/24, true",
        "http://192.168.5.5/x, 192.168.4.0/24, false",
        "http://192.168.5.5/x, 0.0.0.0/0, true",
        "http://192.168.5.5/x, 192.168.5.5, true",
        "http://192.168.5.5/x, 192.168.5.5/33, false",
        "http://192.168.5.5/x, 300.168.5.5/8, false",
        "http://ten.example/x, 10.0.0.0/8, false",
        "http://[fd00::1]/x, fd00::1, true",
        "http://[fd00::1]:8080/x, [fd00::1]:8080, true",
        "http://[fd00::1]:80/x, [fd00::1]:8080, false",
        "http://localhost:8080/x, '', true",
        "http://127.0.0.7/x, '', true",
        "http://[::1]/x, '', true"
    })
    void exceptionsAreReachedDirectly(String target, String exceptions, boolean isDirect) {
        Map<String, String> environment =
                Map.of("HTTPS_PROXY", "http://secure:1", "HTTP_PROXY", "http://plain:2", "NO_PROXY", exceptions);
        String expected = target.startsWith("https") ? "secure:1 (HTTPS_PROXY)" : "plain:2 (HTTP_PROXY)";
        assertThat(proxy(environment, target)).isEqualTo(isDirect ? null : expected);
    }

    @Test
    void theLowerCaseGoesFirst() {
        Map<String, String> both = Map.of(
                "https_proxy", "lower", "HTTPS_PROXY", "upper", "no_proxy", "a.example", "NO_PROXY", "b.example");
        assertThat(proxy(both, "https://b.example/")).isEqualTo("lower:80 (https_proxy)");
        assertThat(proxy(both, "https://a.example/")).isNull();
        assertThat(proxy(both, "http://b.example/")).isNull();
        assertThat(proxy(Map.of("https_proxy", " ", "HTTPS_PROXY", "upper:3128/"), "https://b.example/"))
                .isEqualTo("upper:3128 (HTTPS_PROXY)");
        assertThat(proxy(Map.of("all_proxy", "http://all:8"), "http://b.example/"))
                .isEqualTo("all:8 (all_proxy)");
    }

    @ParameterizedTest
    @CsvSource({
        "http://user:pass@proxy:3128, Basic dXNlcjpwYXNz",
        "us%20er:p%40s+s@proxy:3128, Basic dXMgZXI6cEBzK3M=",
        "http://user@proxy, Basic dXNlcjo=",
        "http://proxy:3128,"
    })
    void userAndPasswordAreDecoded(String address, @Nullable String authorization) {
        assertThat(Proxies.HttpProxy.parse("HTTPS_PROXY", address).authorization())
                .isEqualTo(authorization);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://",
                "http://user:s3cret@",
                "http://user:s3cret@proxy:port",
                "http://user:s3cret@proxy:99999",
                "http://user:s3cret@proxy:0",
                "http://user:s3cret@proxy/path",
                "http://user:s3cret@pro xy",
                "http://user:s3c%zzret@proxy",
                "http://us/er:s3cret@proxy"
            })
    void whatIsNoAddressOfAProxyIsTold(String address) {
        assertThatThrownBy(() -> Proxies.of(Map.of("https_proxy", address)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith("'https_proxy': is not the address of a proxy; expected http://HOST:PORT")
                .hasMessageNotContainingAny("s3cret", "\n")
                .hasNoCause();
    }

    @ParameterizedTest
    @ValueSource(strings = {"socks5", "https", "socks5h", "SOCKS4"})
    void proxiesOfOtherKindsAreRefusedByName(String scheme) {
        assertThatThrownBy(() -> Proxies.of(Map.of("ALL_PROXY", scheme + "://user:s3cret@proxy:1080")))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage(
                        "'ALL_PROXY': names a proxy of the kind '%s', which is not supported; expected http://HOST:PORT",
                        scheme.toLowerCase(Locale.ROOT));
    }

    @Test
    void aProxyForAllThatNothingUsesIsNotRead() {
        Map<String, String> environment = Map.of(
                "https_proxy", "http://one:1", "http_proxy", "http://two:2", "all_proxy", "socks5://127.0.0.1:7890");

        assertThat(proxy(environment, "https://huggingface.co/x")).isEqualTo("one:1 (https_proxy)");
        assertThat(proxy(environment, "http://huggingface.co/x")).isEqualTo("two:2 (http_proxy)");
    }

    @Test
    void withoutVariablesJavasOwnSettingsHold() {
        URI target = URI.create("https://huggingface.co/");
        assertThat(Proxies.of(Map.of()).selector().select(target))
                .isEqualTo(ProxySelector.getDefault().select(target));
    }
}
