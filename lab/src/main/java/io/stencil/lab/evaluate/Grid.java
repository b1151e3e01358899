package io.stencil.lab.evaluate;

import io.stencil.image.RgbImage;
import io.stencil.lab.world.Correlation;
import io.stencil.lab.world.Scene;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.BiFunction;
import java.util.function.DoubleFunction;
import java.util.function.ToDoubleBiFunction;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/// Every scene at every value of an input, with the same noise.
///
/// @param values one a column
/// @param rows of pictures, one a scene
record Grid(List<Scene> scenes, List<Double> values, List<List<RgbImage>> rows) {

    private static final int SHOWN = 2;

    /// @param steering what a value is for the Templates
    static Grid paint(
            Painter painter,
            Effort effort,
            List<Scene> scenes,
            List<Double> values,
            DoubleFunction<Steering> steering) {
        return paint(painter, effort, scenes, values, (_, value) -> List.of(steering.apply(value)));
    }

    /// @param steering what a value is for the Templates, for the scene of an index
    static Grid paint(
            Painter painter,
            Effort effort,
            List<Scene> scenes,
            List<Double> values,
            BiFunction<Integer, Double, List<Steering>> steering) {
        List<List<RgbImage>> rows = new ArrayList<>();
        for (int i = 0; i < scenes.size(); i++) {
            int index = i;
            rows.add(values.stream()
                    .map(value -> painter.paint(
                            scenes.get(index).caption(), HeldOut.noise(effort, index), steering.apply(index, value)))
                    .toList());
        }
        return new Grid(scenes, values, rows);
    }

    /// Values at equal distances from 0 to 1.
    static List<Double> zeroToOne(int count) {
        return IntStream.range(0, count).mapToObj(i -> i / (count - 1.0)).toList();
    }

    /// Spearman's correlation of value and measurement over all pictures.
    double spearman(ToDoubleFunction<RgbImage> measurement) {
        double[] asked = rows.stream().flatMapToDouble(_ -> numbers(values)).toArray();
        double[] found =
                rows.stream().flatMap(List::stream).mapToDouble(measurement).toArray();
        return Correlation.spearman(asked, found);
    }

    /// The mean over scenes of the correlation within the scene.
    double withinScenes(ToDoubleBiFunction<double[], double[]> correlation, ToDoubleFunction<RgbImage> measurement) {
        return rows.stream()
                .mapToDouble(row -> correlation.applyAsDouble(
                        numbers(values).toArray(),
                        row.stream().mapToDouble(measurement).toArray()))
                .average()
                .orElse(Double.NaN);
    }

    private static DoubleStream numbers(List<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue);
    }

    /// The mean measurement of each column.
    double[] means(ToDoubleFunction<RgbImage> measurement) {
        return IntStream.range(0, values.size())
                .mapToDouble(column -> rows.stream()
                        .mapToDouble(row -> measurement.applyAsDouble(row.get(column)))
                        .average()
                        .orElse(Double.NaN))
                .toArray();
    }

    /// Share of pictures that show figure, colour and background of their captions.
    double captionsRight() {
        return IntStream.range(0, rows.size())
                .mapToDouble(i -> rows.get(i).stream()
                        .mapToDouble(picture -> HeldOut.isRight(scenes.get(i).described(), picture) ? 1 : 0)
                        .average()
                        .orElse(Double.NaN))
                .average()
                .orElse(Double.NaN);
    }

    /// The first rows, for people.
    List<PictureRow> shown(String input) {
        List<PictureRow> shown = new ArrayList<>();
        for (int i = 0; i < Math.min(SHOWN, rows.size()); i++) {
            List<PictureRow.Captioned> pictures = new ArrayList<>();
            for (int column = 0; column < values.size(); column++) {
                pictures.add(new PictureRow.Captioned(
                        String.format(Locale.ROOT, "%s %.3g", input, values.get(column)),
                        rows.get(i).get(column)));
            }
            shown.add(new PictureRow(scenes.get(i).caption(), pictures));
        }
        return shown;
    }
}
