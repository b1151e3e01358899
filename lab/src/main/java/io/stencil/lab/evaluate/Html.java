package io.stencil.lab.evaluate;

import io.stencil.image.RgbImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Base64;
import javax.imageio.ImageIO;

/// Pieces of HTML.
public final class Html {

    private Html() {}

    /// Text, with what HTML would read as its own replaced.
    public static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }

    /// A picture with a line below it.
    public static String figure(RgbImage picture, String caption) {
        return "<figure><img src=\"%s\" alt=\"%2$s\"><figcaption>%2$s</figcaption></figure>%n"
                .formatted(data(picture), escape(caption));
    }

    /// A row of a table.
    public static String row(String... cells) {
        StringBuilder row = new StringBuilder("<tr>");
        for (String cell : cells) {
            row.append("<td>").append(escape(cell)).append("</td>");
        }
        return row.append("</tr>\n").toString();
    }

    /// A picture as a URL that holds it.
    public static String data(RgbImage picture) {
        ByteArrayOutputStream png = new ByteArrayOutputStream();
        try {
            ImageIO.write(picture.toBufferedImage(), "png", png);
        } catch (IOException e) {
            throw new UncheckedIOException("a picture cannot be written to memory", e);
        }
        return "data:image/png;base64," + Base64.getEncoder().encodeToString(png.toByteArray());
    }
}
