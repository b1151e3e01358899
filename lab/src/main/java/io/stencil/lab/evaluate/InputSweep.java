package io.stencil.lab.evaluate;

import com.fasterxml.jackson.databind.node.DoubleNode;
import com.fasterxml.jackson.databind.node.LongNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.ValueNode;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.NameList;
import io.stencil.image.RgbImage;
import io.stencil.lab.evaluate.Painter.Steering;
import io.stencil.lab.world.Scene;
import io.stencil.lab.world.Statistics;
import java.math.BigDecimal;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// Describes the measurement of a Template of any author: one number among its inputs runs through a range, while
/// caption, noise and all other inputs stay.
///
/// @param input name of the number
/// @param values of the range, at least two
public record InputSweep(String input, List<Number> values) {

    private static final int VALUES = 9;
    private static final Pattern TEXT = Pattern.compile("(?<input>[^=]+)=(?<first>[^=]+?)\\.\\.(?<last>[^=]+)");

    /// A number that an image has.
    public enum Statistic {
        BRIGHTNESS,
        RED,
        GREEN,
        BLUE,
        SATURATION,
        SHARPNESS;

        private double of(RgbImage image) {
            return switch (this) {
                case BRIGHTNESS -> Statistics.meanBrightness(image);
                case RED -> Statistics.channelMean(image, 0);
                case GREEN -> Statistics.channelMean(image, 1);
                case BLUE -> Statistics.channelMean(image, 2);
                case SATURATION -> Statistics.meanSaturation(image);
                case SHARPNESS -> Statistics.gradientEnergy(image);
            };
        }

        /// Names as options give them.
        public static List<String> names() {
            return Stream.of(values()).map(Statistic::text).toList();
        }

        /// @throws InvalidRequestException for a name that is not one of [#names]
        public static Statistic parse(String name) {
            return Stream.of(values())
                    .filter(statistic -> statistic.text().equals(name))
                    .findFirst()
                    .orElseThrow(() -> new InvalidRequestException(
                            "statistic", "expected one of %s, found '%s'".formatted(NameList.of(names()), name)));
        }

        private String text() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    public InputSweep {
        values = List.copyOf(values);
    }

    /// Parses `NAME=MIN..MAX`: nine values at equal distances. Where both bounds are whole numbers and more than one
    /// apart, the values are whole, nine at most, so that `n=1..6` suits an input that counts.
    ///
    /// @throws InvalidRequestException for another text, or bounds that are equal
    public static InputSweep parse(String text) {
        Matcher matcher = TEXT.matcher(text);
        if (!matcher.matches()) {
            throw malformed(text);
        }
        try {
            BigDecimal first = new BigDecimal(matcher.group("first"));
            BigDecimal last = new BigDecimal(matcher.group("last"));
            if (first.compareTo(last) == 0) {
                throw malformed(text);
            }
            List<Double> values = ValueMeasures.range(first.doubleValue(), last.doubleValue(), VALUES);
            boolean whole = first.scale() <= 0
                    && last.scale() <= 0
                    && last.subtract(first).abs().compareTo(BigDecimal.ONE) > 0;
            return new InputSweep(
                    matcher.group("input"),
                    whole ? values.stream().<Number>map(Math::round).distinct().toList() : List.copyOf(values));
        } catch (NumberFormatException _) {
            throw malformed(text);
        }
    }

    private static InvalidRequestException malformed(String text) {
        return new InvalidRequestException(
                "input",
                "expected NAME=MIN..MAX with two different numbers, such as scale=0..1, found '%s'".formatted(text));
    }

    /// Builds the measurement. Nothing has a target.
    ///
    /// @param template its name
    /// @param others the other inputs, none where they have defaults
    /// @param statistics of the images that are correlated with the input, at least one
    public Measure<?> of(String template, ObjectNode others, List<Statistic> statistics) {
        if (others.has(input)) {
            throw new InvalidRequestException(
                    "template_inputs", "has '%s' too, which --input varies; leave it out".formatted(input));
        }
        Measure<Scene> measure =
                new Measure<>(template + "." + input, 1, HeldOut.scenes(20, 2, Scene::captioned), template);
        measure.sweep(
                input,
                values.stream().map(Number::doubleValue).toList(),
                (_, _, value) ->
                        List.of(new Steering(template, others.deepCopy().set(input, number(value)))));
        for (Statistic statistic : statistics) {
            String name = statistic.text();
            measure.report(
                            "Spearman of %s and %s, within a caption".formatted(input, name),
                            trials -> trials.within(input, Statistics::spearman, statistic::of))
                    .report(
                            "mean %s at %s %s".formatted(name, input, values.getFirst()),
                            trials -> trials.meanAt(input, 0, statistic::of))
                    .report(
                            "mean %s at %s %s".formatted(name, input, values.getLast()),
                            trials -> trials.meanAt(input, values.size() - 1, statistic::of));
        }
        return measure.report("caption still right", ValueMeasures.captionsRight(input))
                .rows(input, 2);
    }

    /// A JSON number, without a fraction where the values of the range have none.
    private ValueNode number(double value) {
        return values.getFirst() instanceof Long ? LongNode.valueOf((long) value) : DoubleNode.valueOf(value);
    }
}
