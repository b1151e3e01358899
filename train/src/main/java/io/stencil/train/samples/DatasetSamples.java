package io.stencil.train.samples;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.pipeline.EditImages;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.pipeline.models.ModelKind;
import io.stencil.template.TemplateInput;
import io.stencil.train.data.Dataset;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.samples.SamplePlan.PlannedImage;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Makes samples up from the rows of a dataset, so that one line of images shows the effect of one input: everything
/// else, the noise included, is the same in a line.
///
/// - For each number among the Template inputs, of the first four that differ between rows: a sweep of its range.
/// - For other inputs, where they differ between rows: a row's own against another row's.
/// - For a Template without inputs that differ: a row without the Template and with it.
/// - Without a Template: some rows.
///
/// @param dataset whose rows are shown: those that are held out, where there are such
/// @param all rows, over which a number is swept
/// @param steered whether a Template takes part
record DatasetSamples(Dataset dataset, List<DatasetRow> all, boolean steered) {

    private static final int SWEEPS = 4;
    private static final int VALUES = 4;
    private static final int PAIRS = 3;
    private static final int ROWS = 4;

    /// Digits of a value between the ends of a range.
    private static final MathContext DIGITS = new MathContext(3);

    SamplePlan plan() {
        if (!steered) {
            return new SamplePlan(IntStream.range(0, Math.min(ROWS, rows().size()))
                    .mapToObj(row -> image(row, rows().get(row).prompt(), null))
                    .map(image ->
                            new PlannedImage("", image.label(), image.request(), List.of(), List.of(), image.files()))
                    .toList());
        }
        List<PlannedImage> images = new ArrayList<>();
        Map<String, List<JsonNode>> sweeps = sweeps();
        sweeps.forEach((field, values) -> {
            int row = images.size() / VALUES % rows().size(); // another one for each, where there are so many
            for (JsonNode value : values) {
                ObjectNode inputs = inputs(row).deepCopy();
                inputs.set(field, value);
                images.add(image(row, field + " " + value.asText(), inputs));
            }
        });
        Set<String> others = differing();
        others.removeAll(sweeps.keySet());
        others.removeIf(this::isNumber);
        if (!others.isEmpty()) {
            int pairs = Math.min(sweeps.isEmpty() ? PAIRS : 1, rows().size());
            IntStream.range(0, pairs).forEach(row -> images.addAll(pair(row, others)));
        } else if (sweeps.isEmpty()) {
            for (int row = 0; row < Math.min(PAIRS, rows().size()); row++) {
                images.add(image(row, "without the Template", null));
                images.add(image(row, "with the Template", inputs(row)));
            }
        }
        return new SamplePlan(images);
    }

    private List<DatasetRow> rows() {
        return dataset.rows();
    }

    private ObjectNode inputs(int row) {
        return Objects.requireNonNull(rows().get(row).templateInputs());
    }

    /// Names of the inputs that differ between rows, in their order.
    private Set<String> differing() {
        Set<String> names = new LinkedHashSet<>();
        for (DatasetRow row : all) {
            Objects.requireNonNull(row.templateInputs()).fieldNames().forEachRemaining(names::add);
        }
        names.removeIf(name -> all.stream()
                        .map(row -> Objects.requireNonNull(row.templateInputs()).path(name))
                        .distinct()
                        .count()
                == 1);
        return names;
    }

    private boolean isNumber(String field) {
        return all.stream()
                .map(row -> Objects.requireNonNull(row.templateInputs()).path(field))
                .allMatch(value -> value.isNumber() || value.isMissingNode() || value.isNull());
    }

    /// The values of each sweep, from the least to the greatest of the rows.
    private Map<String, List<JsonNode>> sweeps() {
        Map<String, List<JsonNode>> sweeps = new LinkedHashMap<>();
        for (String field : differing()) {
            List<JsonNode> numbers = all.stream()
                    .map(row -> Objects.requireNonNull(row.templateInputs()).path(field))
                    .filter(JsonNode::isNumber)
                    .toList();
            if (sweeps.size() < SWEEPS && isNumber(field)) {
                List<JsonNode> values = sweep(numbers);
                if (values.size() > 1) {
                    sweeps.put(field, values);
                }
            }
        }
        return sweeps;
    }

    private static List<JsonNode> sweep(List<JsonNode> numbers) {
        boolean whole = numbers.stream().allMatch(JsonNode::isIntegralNumber);
        double low = numbers.stream().mapToDouble(JsonNode::doubleValue).min().orElseThrow();
        double high = numbers.stream().mapToDouble(JsonNode::doubleValue).max().orElseThrow();
        Set<JsonNode> values = new LinkedHashSet<>();
        for (int i = 0; i < VALUES; i++) {
            double value = low + (high - low) * i / (VALUES - 1);
            boolean between = i > 0 && i < VALUES - 1;
            values.add(
                    whole
                            ? JsonNodeFactory.instance.numberNode(Math.round(value))
                            : JsonNodeFactory.instance.numberNode(
                                    between
                                            ? new BigDecimal(value)
                                                    .round(DIGITS)
                                                    .doubleValue()
                                            : i == 0 ? low : high));
        }
        return List.copyOf(values);
    }

    /// A row with its own inputs, and with those of the next row that has others.
    private List<PlannedImage> pair(int row, Set<String> fields) {
        ObjectNode own = inputs(row);
        List<PlannedImage> pair = new ArrayList<>(List.of(image(row, "its own input", own)));
        for (int i = 1; i < rows().size(); i++) {
            int other = (row + i) % rows().size();
            ObjectNode swapped = own.deepCopy();
            swapped.remove(fields);
            inputs(other).properties().stream()
                    .filter(field -> fields.contains(field.getKey()))
                    .forEach(field -> swapped.set(field.getKey(), field.getValue()));
            if (!swapped.equals(own)) {
                pair.add(image(row, "the input of another row", swapped));
                return pair;
            }
        }
        return pair;
    }

    /// Plans an image of a row's prompt, edit images and size. Its number is the seed, which a line shares.
    ///
    /// @param inputs null for the base model alone
    private PlannedImage image(int row, String label, @Nullable ObjectNode inputs) {
        DatasetRow source = rows().get(row);
        ImageSize size = dataset.sizes(source).getFirst();
        GenerationRequest.Builder request = GenerationRequest.of(source.prompt())
                .size(size.height(), size.width())
                .seed(row)
                .defaults(ModelKind.OTHER);
        Map<RgbImage, Path> files = new HashMap<>();
        if (!source.editImages().isEmpty()) {
            List<RgbImage> editImages = dataset.load(source).editImages();
            IntStream.range(0, editImages.size())
                    .forEach(i ->
                            files.put(editImages.get(i), source.editImages().get(i)));
            request.editImages(new EditImages(editImages, false));
        }
        GenerationRequest built = request.build();
        return new PlannedImage(
                "%s (seed %s)".formatted(source.prompt(), built.seed()),
                label,
                built,
                inputs == null ? List.of() : List.of(new TemplateInput(SamplePlan.ROWS, inputs, dataset.folder())),
                List.of(),
                files);
    }
}
