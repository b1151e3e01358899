package io.stencil.lab.evaluate;

import io.stencil.image.RgbImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;

/// Renders a page from the resource `page.html`, whose `{{names}}` are replaced, and pieces of HTML for it.
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
        return html(name, escape(value));
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

    /// Escapes text for HTML.
    public static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }

    /// An image with a caption.
    public static String figure(RgbImage image, String caption) {
        return "<figure><img src=\"%s\" alt=\"%2$s\"><figcaption>%2$s</figcaption></figure>%n"
                .formatted(data(image), escape(caption));
    }

    /// A row of a table.
    public static String row(String... cells) {
        StringBuilder row = new StringBuilder("<tr>");
        for (String cell : cells) {
            row.append("<td>").append(escape(cell)).append("</td>");
        }
        return row.append("</tr>\n").toString();
    }

    /// An image as a URL that holds it.
    public static String data(RgbImage image) {
        ByteArrayOutputStream png = new ByteArrayOutputStream();
        try {
            ImageIO.write(image.toBufferedImage(), "png", png);
        } catch (IOException e) {
            throw new UncheckedIOException("an image cannot be written to memory", e);
        }
        return "data:image/png;base64," + Base64.getEncoder().encodeToString(png.toByteArray());
    }
}
