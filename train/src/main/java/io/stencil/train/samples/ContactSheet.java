package io.stencil.train.samples;

import io.stencil.image.ImageSize;
import io.stencil.image.Resampler;
import io.stencil.image.RgbImage;
import java.awt.Color;
import java.awt.Font;
import java.awt.FontMetrics;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Draws images and their labels into one image, line by line.
final class ContactSheet {

    private static final int COLUMNS = 6;

    /// Pixels of an image's longer side, between which small ones are enlarged by a whole factor and large ones
    /// reduced.
    private static final int SMALLEST = 192;

    private static final int LARGEST = 384;
    private static final int GAP = 12;
    private static final Color BACKGROUND = Color.WHITE;
    private static final Color TEXT = new Color(30, 30, 30);
    private static final Color MISSING = new Color(225, 225, 225);
    private static final Font HEADING = new Font(Font.SANS_SERIF, Font.BOLD, 16);
    private static final Font LINE = new Font(Font.SANS_SERIF, Font.PLAIN, 14);
    private static final Font LABEL = new Font(Font.SANS_SERIF, Font.PLAIN, 13);
    private static final int LABEL_LINES = 2;

    /// An image and what stands under it.
    ///
    /// @param image null for one that failed
    record Cell(String label, @Nullable RgbImage image) {}

    /// Images under one heading.
    ///
    /// @param heading may be empty
    record Line(String heading, List<Cell> cells) {

        Line {
            cells = List.copyOf(cells);
        }
    }

    private final String heading;
    private final List<Line> lines;
    private final int side;
    private final FontMetrics headingMetrics;
    private final FontMetrics lineMetrics;
    private final FontMetrics labelMetrics;

    private ContactSheet(String heading, List<Line> lines) {
        this.heading = heading;
        this.lines = lines;
        this.side = lines.stream()
                .flatMap(line -> line.cells().stream())
                .map(Cell::image)
                .mapToInt(image -> image == null ? SMALLEST : longerSide(shownSize(image)))
                .max()
                .orElse(SMALLEST);
        Graphics2D measure = new BufferedImage(1, 1, BufferedImage.TYPE_INT_RGB).createGraphics();
        headingMetrics = measure.getFontMetrics(HEADING);
        lineMetrics = measure.getFontMetrics(LINE);
        labelMetrics = measure.getFontMetrics(LABEL);
        measure.dispose();
    }

    /// @param heading of the sheet
    static RgbImage draw(String heading, List<Line> lines) {
        return new ContactSheet(heading, wrapped(lines)).draw();
    }

    /// Breaks lines that have more cells than columns.
    private static List<Line> wrapped(List<Line> lines) {
        List<Line> wrapped = new ArrayList<>();
        for (Line line : lines) {
            for (int from = 0; from < line.cells().size(); from += COLUMNS) {
                List<Cell> part = line.cells()
                        .subList(from, Math.min(from + COLUMNS, line.cells().size()));
                wrapped.add(new Line(from == 0 ? line.heading() : "", part));
            }
        }
        return wrapped;
    }

    private RgbImage draw() {
        int columns = lines.stream().mapToInt(line -> line.cells().size()).max().orElse(1);
        int width = Math.max(GAP + columns * (side + GAP), 2 * GAP + headingMetrics.stringWidth(heading));
        int height = 2 * GAP + headingMetrics.getHeight();
        for (Line line : lines) {
            height += height(line);
        }
        BufferedImage sheet = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = sheet.createGraphics();
        try {
            graphics.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
            graphics.setColor(BACKGROUND);
            graphics.fillRect(0, 0, width, height);
            graphics.setColor(TEXT);
            graphics.setFont(HEADING);
            graphics.drawString(heading, GAP, GAP + headingMetrics.getAscent());
            int y = 2 * GAP + headingMetrics.getHeight();
            for (Line line : lines) {
                draw(line, graphics, y, width);
                y += height(line);
            }
        } finally {
            graphics.dispose();
        }
        return RgbImage.of(sheet);
    }

    private int height(Line line) {
        return headingHeight(line) + imageHeight(line) + LABEL_LINES * labelMetrics.getHeight() + GAP;
    }

    private int headingHeight(Line line) {
        return line.heading().isEmpty() ? 0 : lineMetrics.getHeight() + GAP / 2;
    }

    private int imageHeight(Line line) {
        return line.cells().stream()
                .map(Cell::image)
                .filter(Objects::nonNull)
                .mapToInt(image -> shownSize(image).height())
                .max()
                .orElse(SMALLEST); // where all failed
    }

    private void draw(Line line, Graphics2D graphics, int top, int width) {
        graphics.setColor(TEXT);
        graphics.setFont(LINE);
        fitted(line.heading(), lineMetrics, width - 2 * GAP, 1)
                .forEach(text -> graphics.drawString(text, GAP, top + lineMetrics.getAscent()));
        int y = top + headingHeight(line);
        int x = GAP;
        graphics.setFont(LABEL);
        for (Cell cell : line.cells()) {
            if (cell.image() == null) {
                graphics.setColor(MISSING);
                graphics.fillRect(x, y, side, imageHeight(line));
            } else {
                graphics.drawImage(shown(cell.image()), x, y, null);
            }
            graphics.setColor(TEXT);
            String label = cell.image() == null ? cell.label() + " (failed)" : cell.label();
            int baseline = y + imageHeight(line) + labelMetrics.getAscent();
            for (String text : fitted(label, labelMetrics, side, LABEL_LINES)) {
                graphics.drawString(text, x, baseline);
                baseline += labelMetrics.getHeight();
            }
            x += side + GAP;
        }
    }

    private static ImageSize shownSize(RgbImage image) {
        int longer = longerSide(image.size());
        if (longer > LARGEST) {
            return new ImageSize(
                    Math.max(1, image.width() * LARGEST / longer), Math.max(1, image.height() * LARGEST / longer));
        }
        int factor = Math.ceilDiv(SMALLEST, longer);
        return new ImageSize(image.width() * factor, image.height() * factor);
    }

    private static int longerSide(ImageSize size) {
        return Math.max(size.width(), size.height());
    }

    private static BufferedImage shown(RgbImage image) {
        ImageSize size = shownSize(image);
        boolean reduced = size.width() < image.width();
        if (reduced) {
            return Resampler.resize(image, size, Resampler.Filter.BICUBIC).toBufferedImage();
        }
        BufferedImage enlarged = new BufferedImage(size.width(), size.height(), BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = enlarged.createGraphics(); // whose default takes the nearest pixel
        graphics.drawImage(image.toBufferedImage(), 0, 0, size.width(), size.height(), null);
        graphics.dispose();
        return enlarged;
    }

    /// Breaks a text into lines of a width, and cuts what goes beyond the last.
    private static List<String> fitted(String text, FontMetrics metrics, int width, int most) {
        List<String> lines = new ArrayList<>();
        String rest = text.strip();
        while (!rest.isEmpty() && lines.size() < most) {
            int end = rest.length();
            while (end > 1 && metrics.stringWidth(rest.substring(0, end)) > width) {
                end--;
            }
            if (end == rest.length()) {
                lines.add(rest);
                return lines;
            }
            if (lines.size() == most - 1) {
                lines.add(rest.substring(0, Math.max(1, end - 1)).strip() + "…");
                return lines;
            }
            int space = rest.lastIndexOf(' ', end);
            int cut = space > 0 ? space : end;
            lines.add(rest.substring(0, cut).strip());
            rest = rest.substring(cut).strip();
        }
        return lines;
    }
}
