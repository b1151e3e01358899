package io.stencil.train.samples;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.error.StencilException;
import io.stencil.files.LocalPath;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.json.Json;
import io.stencil.json.JsonReason;
import io.stencil.pipeline.EditImages;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.pipeline.models.ModelKind;
import io.stencil.template.TemplateInput;
import io.stencil.template.TemplateInputs;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.train.data.MetadataFile;
import io.stencil.train.samples.SamplePlan.PlannedImage;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Reads the samples of `--samples`: rows with the names and defaults of the options of `stencil generate`.
///
/// @param file whose folder its paths are relative to
/// @param size of images whose row gives none; null where each row has to give one
record SamplesFile(Path file, @Nullable ImageSize size) {

    private static final String OPTION = "samples";
    private static final String POSITIVE = "template_inputs";
    private static final String NEGATIVE = "negative_template_inputs";
    private static final String EDIT_IMAGE = "edit_image";

    /// A row with all its fields.
    record Row(
            @JsonProperty("prompt") String prompt,
            @JsonProperty("negative_prompt") String negativePrompt,
            @JsonProperty("cfg_scale") double cfgScale,
            @JsonProperty("embedded_guidance") double embeddedGuidance,
            @JsonProperty("height") int height,
            @JsonProperty("width") int width,
            @JsonProperty("seed") long seed,
            @JsonProperty("num_inference_steps") int steps,
            @JsonProperty(EDIT_IMAGE) JsonNode editImages,
            @JsonProperty("edit_image_auto_resize") boolean editImageAutoResize,
            @JsonProperty(POSITIVE) JsonNode templateInputs,
            @JsonProperty(NEGATIVE) JsonNode negativeTemplateInputs) {}

    /// Reads all rows, with their edit images.
    ///
    /// @param steered whether a Template takes part
    /// @throws InvalidFileException naming file, line and field of each row that cannot be used
    SamplePlan read(boolean steered) {
        List<PlannedImage> images = new ArrayList<>();
        forEachRow(row -> images.add(image(row, steered)));
        return new SamplePlan(images);
    }

    /// Checks that the Template inputs of all rows fit the Template.
    ///
    /// @throws InvalidFileException naming file, line and field of each row that does not
    void requireFits(LoadedTemplate<?, ?> template) {
        forEachRow(row -> {
            PlannedImage image = image(row, true);
            bind(template, image.positive(), row.location(), POSITIVE);
            bind(template, image.negative(), row.location(), NEGATIVE);
        });
    }

    private static void bind(
            LoadedTemplate<?, ?> template, List<TemplateInput> inputs, Location location, String field) {
        inputs.forEach(input -> located(location, field, () -> template.bind(input)));
    }

    /// Runs an action on each row; the faults of all rows are thrown together.
    private void forEachRow(Consumer<MetadataFile.Row> action) {
        List<InvalidFileException> faults = new ArrayList<>();
        for (MetadataFile.Row row : MetadataFile.readJson(file, OPTION)) {
            try {
                action.accept(row);
            } catch (InvalidFileException e) {
                faults.add(e);
            }
        }
        if (faults.size() == 1) {
            throw faults.getFirst();
        }
        if (!faults.isEmpty()) {
            throw new InvalidFileException(
                    file,
                    "%s rows cannot be used: %s"
                            .formatted(
                                    faults.size(),
                                    faults.stream()
                                            .map(InvalidFileException::getMessage)
                                            .collect(Collectors.joining("; "))));
        }
    }

    private PlannedImage image(MetadataFile.Row given, boolean steered) {
        Location location = given.location();
        ObjectNode fields = given.fields();
        Row row = row(fields, location);
        List<TemplateInput> positive = inputs(row.templateInputs(), location, POSITIVE);
        List<TemplateInput> negative = inputs(row.negativeTemplateInputs(), location, NEGATIVE);
        if (!steered && !(positive.isEmpty() && negative.isEmpty())) {
            throw new InvalidFileException(
                    location.field(positive.isEmpty() ? NEGATIVE : POSITIVE),
                    "needs a Template, and the run has none (--template_model_id_or_path); leave it out");
        }
        Map<RgbImage, Path> files = new LinkedHashMap<>();
        List<RgbImage> editImages = editImages(row.editImages(), location.field(EDIT_IMAGE), files);
        GenerationRequest request = located(location, null, () -> request(row, editImages));
        return new PlannedImage(row.prompt(), label(fields, row), request, positive, negative, files);
    }

    private static GenerationRequest request(Row row, List<RgbImage> editImages) {
        GenerationRequest.Builder request = GenerationRequest.of(row.prompt())
                .negativePrompt(row.negativePrompt())
                .cfgScale(row.cfgScale())
                .embeddedGuidance(row.embeddedGuidance())
                .size(row.height(), row.width())
                .seed(row.seed())
                .steps(row.steps());
        if (!editImages.isEmpty()) {
            request.editImages(new EditImages(editImages, row.editImageAutoResize()));
        }
        return request.build();
    }

    /// Binds a row, completed by defaults.
    private Row row(ObjectNode fields, Location location) {
        GenerationRequest defaults =
                GenerationRequest.of("").defaults(ModelKind.OTHER).build();
        ObjectNode all = JsonNodeFactory.instance
                .objectNode()
                .put("negative_prompt", "")
                .put("cfg_scale", defaults.cfgScale())
                .put("embedded_guidance", defaults.embeddedGuidance())
                .put("seed", defaults.seed())
                .put("num_inference_steps", defaults.steps())
                .put("edit_image_auto_resize", true);
        all.putArray(EDIT_IMAGE);
        all.putArray(POSITIVE);
        all.putArray(NEGATIVE);
        if (size != null) {
            all.put("height", size.height()).put("width", size.width());
        }
        all.setAll(fields);
        try {
            return Json.MAPPER.treeToValue(all, Row.class);
        } catch (JsonProcessingException e) {
            throw new InvalidFileException(location, JsonReason.ofBinding(e, all), e);
        }
    }

    private List<TemplateInput> inputs(JsonNode value, Location location, String field) {
        List<TemplateInput> inputs =
                located(location, field, () -> TemplateInputs.parse(field, value.toString(), folder()));
        for (TemplateInput input : inputs) {
            if (input.modelId() != SamplePlan.INPUTS) {
                throw new InvalidFileException(
                        location.field(field),
                        "has 'model_id' %s; a run has one Template, 0".formatted(input.modelId()));
            }
        }
        return inputs;
    }

    private Path folder() {
        Path parent = file.toAbsolutePath().getParent();
        return parent == null ? file.toAbsolutePath() : parent;
    }

    /// @param files gets the file of each image
    private List<RgbImage> editImages(JsonNode value, Location field, Map<RgbImage, Path> files) {
        List<RgbImage> images = new ArrayList<>();
        for (JsonNode path : value.isArray() ? value : List.of(value)) {
            if (!path.isTextual()) {
                throw new InvalidFileException(
                        field, "must be the path of an image or a list of them, found " + JsonReason.shown(value));
            }
            try {
                Path file = RgbImageReader.resolve(folder(), path.textValue());
                RgbImage image = RgbImageReader.read(file);
                images.add(image);
                files.put(image, file);
            } catch (InvalidPathException e) {
                throw new InvalidFileException(
                        field, "'%s' is not a path: %s".formatted(path.textValue(), LocalPath.reason(e)), e);
            } catch (StencilException e) {
                throw new InvalidFileException(field, e.getMessage(), e);
            }
        }
        return images;
    }

    private static String label(ObjectNode fields, Row row) {
        List<String> words = new ArrayList<>();
        if (!row.templateInputs().isEmpty()) {
            words.add(words(row.templateInputs()));
        }
        if (!row.negativeTemplateInputs().isEmpty()) {
            words.add("negative " + words(row.negativeTemplateInputs()));
        }
        for (String name : List.of("seed", "cfg_scale", "num_inference_steps")) {
            if (fields.has(name)) {
                words.add(name + " " + fields.get(name).asText());
            }
        }
        return String.join(", ", words);
    }

    /// JSON for people: `scale 0.8, mode dark`.
    private static String words(JsonNode value) {
        return value.toString().replaceAll("[{}\"\\[\\]]", "").replace(":", " ").replace(",", ", ");
    }

    /// Locates a fault in a row.
    ///
    /// @param field that the fault is in, or null where the fault itself names it
    private static <T> T located(Location location, @Nullable String field, Supplier<T> action) {
        try {
            return action.get();
        } catch (StencilException e) {
            Location inner = e.location();
            String named = inner == null || inner.file() != null ? null : inner.field();
            if (named == null) {
                throw new InvalidFileException(field == null ? location : location.field(field), e.getMessage(), e);
            }
            boolean whole = field == null || named.startsWith(field);
            throw new InvalidFileException(location.field(whole ? named : field + "." + named), e.what(), e);
        }
    }
}
