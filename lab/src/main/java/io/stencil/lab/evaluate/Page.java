package io.stencil.lab.evaluate;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A page made of the resource `page.html`, whose `{{names}}` are replaced.
public final class Page {

    private static final Pattern PLACEHOLDER = Pattern.compile("\\{\\{(\\w+)}}");

    private final Class<?> beside;
    private final Map<String, String> values = new HashMap<>();

    /// @param beside the class in whose package `page.html` lies
    public Page(Class<?> beside) {
        this.beside = beside;
    }

    /// Sets a value that is shown as it is.
    public Page text(String name, String value) {
        return html(name, Html.escape(value));
    }

    /// Sets a value that is HTML.
    public Page html(String name, String value) {
        values.put(name, value);
        return this;
    }

    /// @throws IllegalStateException when the page has a name without a value
    /// @throws IOException when the resource cannot be read
    public String render() throws IOException {
        String page;
        try (InputStream resource = beside.getResourceAsStream("page.html")) {
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
