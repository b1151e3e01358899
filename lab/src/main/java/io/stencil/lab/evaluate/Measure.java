package io.stencil.lab.evaluate;

import io.stencil.error.InvalidRequestException;
import io.stencil.image.RgbImage;
import io.stencil.lab.evaluate.Finding.ImageRow;
import io.stencil.lab.evaluate.Finding.Metric;
import io.stencil.lab.evaluate.Finding.Target;
import io.stencil.lab.evaluate.Painter.Steering;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;

/// One measurement, as data: subjects that nothing was trained on, the images that are made of each, and the metrics of
/// those images. All images of a subject have the same prompt and the same noise.
///
/// @param <S> type of the subjects, such as a scene or an edit
public final class Measure<S> {

    /// The size of an evaluation.
    ///
    /// @param seed of the held-out scenes and of the noise
    /// @param share of the full number of subjects, above 0 and up to 1
    public record Effort(long seed, double share) {

        public Effort {
            if (!(share > 0 && share <= 1)) {
                throw new InvalidRequestException("share", "must be above 0 and at most 1, found " + share);
            }
        }

        /// The share of `full`, `least` at the least.
        int of(int full, int least) {
            return Math.max(least, (int) Math.round(full * share));
        }
    }

    /// @param noise seed of the noise, the same for all images of the subject
    record Subject<S>(String prompt, long noise, S content) {}

    @FunctionalInterface
    interface Subjects<S> {
        List<Subject<S>> of(Effort effort);
    }

    /// One image of each subject.
    ///
    /// @param group name for formulas; the columns of a sweep share one
    /// @param value of the input that a sweep varies, else 0
    /// @param shown in strips of images
    record Column<S>(String group, double value, boolean shown, Function<Subject<S>, String> label, Maker<S> maker) {}

    @FunctionalInterface
    interface Maker<S> {
        RgbImage make(Painter painter, Subject<S> subject);
    }

    /// Inputs of Templates for a subject and a value of a sweep; the painter keeps images that they take.
    @FunctionalInterface
    interface Steerer<S> {
        List<Steering> of(Painter painter, S content, double value);
    }

    private record Formula<S>(String name, Target target, ToDoubleFunction<Trials<S>> value) {}

    @FunctionalInterface
    private interface Gallery<S> {
        List<ImageRow> of(List<Trials.Trial<S>> trials);
    }

    /// Metrics, and images for people to look at.
    public record Outcome(List<Metric> metrics, List<ImageRow> rows) {
        public Outcome {
            metrics = List.copyOf(metrics);
            rows = List.copyOf(rows);
        }
    }

    private final String name;
    private final double guidance;
    private final Subjects<S> subjects;
    private final List<String> templates;
    private final List<Column<S>> columns = new ArrayList<>();
    private final List<Formula<S>> formulas = new ArrayList<>();
    private final List<Gallery<S>> galleries = new ArrayList<>();

    /// A measurement without images or metrics; [Measures] adds them.
    Measure(String name, double guidance, Subjects<S> subjects, String... templates) {
        this.name = name;
        this.guidance = guidance;
        this.subjects = subjects;
        this.templates = List.of(templates);
    }

    /// Its name on the command line.
    public String name() {
        return name;
    }

    /// Names of the Templates needed.
    public List<String> templates() {
        return templates;
    }

    /// The scale of classifier-free guidance that suits it. Guidance pushes towards the caption and away from what a
    /// Template holds fast, so that Templates which copy an image want little of it.
    public double guidance() {
        return guidance;
    }

    Measure<S> column(Column<S> column) {
        columns.add(column);
        return this;
    }

    /// An image that no model paints.
    Measure<S> given(String group, Function<S, RgbImage> image) {
        return column(new Column<>(group, 0, true, _ -> group, (_, subject) -> image.apply(subject.content())));
    }

    Measure<S> painted(String group, Steerer<S> steerer) {
        return painted(group, true, _ -> group, steerer);
    }

    Measure<S> painted(String group, boolean shown, Function<Subject<S>, String> label, Steerer<S> steerer) {
        return column(new Column<>(group, 0, shown, label, steered(steerer, 0)));
    }

    /// One painted image for each value of an input.
    Measure<S> sweep(String input, List<Double> values, Steerer<S> steerer) {
        for (double value : values) {
            String label = String.format(Locale.ROOT, "%s %.3g", input, value);
            column(new Column<>(input, value, true, _ -> label, steered(steerer, value)));
        }
        return this;
    }

    static <S> Maker<S> steered(Steerer<S> steerer, double value) {
        return (painter, subject) ->
                painter.paint(subject.prompt(), subject.noise(), steerer.of(painter, subject.content(), value));
    }

    Measure<S> atLeast(double least, String metric, ToDoubleFunction<Trials<S>> value) {
        return metric(new Target.AtLeast(least), metric, value);
    }

    /// A metric without a target.
    Measure<S> report(String metric, ToDoubleFunction<Trials<S>> value) {
        return metric(new Target.None(), metric, value);
    }

    Measure<S> metric(Target target, String metric, ToDoubleFunction<Trials<S>> value) {
        formulas.add(new Formula<>(metric, target, value));
        return this;
    }

    /// Shows the images of a group, a row for each of the first subjects.
    Measure<S> rows(String group, int limit) {
        galleries.add(trials -> trials.stream()
                .limit(limit)
                .map(trial -> new ImageRow(
                        trial.subject().prompt(),
                        images(List.of(trial), column -> column.group().equals(group))))
                .toList());
        return this;
    }

    /// Shows the images of the first subjects in one row.
    Measure<S> strip(String heading, int limit) {
        return strip(heading, limit, _ -> true);
    }

    Measure<S> strip(String heading, int limit, Predicate<S> among) {
        galleries.add(trials -> List.of(new ImageRow(
                heading,
                images(
                        trials.stream()
                                .filter(trial -> among.test(trial.content()))
                                .limit(limit)
                                .toList(),
                        Column::shown))));
        return this;
    }

    private List<ImageRow.Labelled> images(List<Trials.Trial<S>> trials, Predicate<Column<S>> shown) {
        List<ImageRow.Labelled> images = new ArrayList<>();
        for (Trials.Trial<S> trial : trials) {
            columns.stream()
                    .filter(shown)
                    .forEach(column -> images.add(
                            new ImageRow.Labelled(column.label().apply(trial.subject()), trial.image(column))));
        }
        return images;
    }

    /// Makes the images and measures them.
    public Outcome run(Painter painter, Effort effort) {
        List<Trials.Trial<S>> trials = new ArrayList<>();
        for (Subject<S> subject : subjects.of(effort)) {
            Map<Column<S>, RgbImage> images = new LinkedHashMap<>();
            columns.forEach(column -> images.put(column, column.maker().make(painter, subject)));
            trials.add(new Trials.Trial<>(subject, images));
        }
        Trials<S> all = new Trials<>(trials);
        return new Outcome(
                formulas.stream()
                        .map(formula ->
                                new Metric(formula.name(), formula.value().applyAsDouble(all), formula.target()))
                        .toList(),
                galleries.stream()
                        .flatMap(gallery -> gallery.of(trials).stream())
                        .toList());
    }
}
