package io.stencil.cli.demo;

import io.stencil.cli.page.Html;
import io.stencil.files.AtomicFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A page made of `page.html`, whose `{{names}}` are replaced.
final class DemoPage {

    private static final Pattern PLACEHOLDER = Pattern.compile("\\{\\{(\\w+)}}");

    private final Map<String, String> values = new LinkedHashMap<>();

    /// Sets a value that is shown as it is.
    DemoPage text(String name, String value) {
        return html(name, Html.escape(value));
    }

    /// Sets a value that is HTML.
    DemoPage html(String name, String value) {
        values.put(name, value);
        return this;
    }

    /// @throws IOException when the file cannot be written
    void write(Path file) throws IOException {
        AtomicFile.writeText(file, render());
    }

    String render() throws IOException {
        String page;
        try (InputStream resource = DemoPage.class.getResourceAsStream("page.html")) {
            page = new String(Objects.requireNonNull(resource, "page.html").readAllBytes(), StandardCharsets.UTF_8);
        }
        return PLACEHOLDER.matcher(page).replaceAll(match -> Matcher.quoteReplacement(value(match.group(1))));
    }

    private String value(String name) {
        String value = values.get(name);
        if (value == null) {
            throw new IllegalStateException("the page has no value for " + name);
        }
        return value;
    }
}
