package io.stencil.cli.models;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.files.Fingerprint;
import io.stencil.files.LocalPath;
import io.stencil.image.RgbImageReader;
import io.stencil.pipeline.GenerationParameters;
import io.stencil.pipeline.GenerationParameters.HashedFile;
import io.stencil.pipeline.GenerationParameters.Image;
import io.stencil.pipeline.GenerationParameters.Images;
import io.stencil.pipeline.GenerationParameters.Model;
import io.stencil.template.TemplateInput;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Turns the parameters that an image carries into options of `stencil generate`, for `--from`.
///
/// The image may come from anyone. Its texts become values of options and nothing else, files that it names must be
/// here and have the hashes of then, nothing is fetched, and code of Templates runs with consent alone.
public final class RecordedOptions {

    /// The option that names the image.
    public static final String OPTION = "--from";

    private static final Set<String> MODEL = Set.of("--model_paths", "--model_id_with_origin_paths");

    private static final String TEMPLATE = "template_model_id_or_path";

    /// Most characters of a path that the image names: that of Linux.
    private static final int MAX_PATH = 4096;

    /// Characters of another text of the image in a message.
    private static final int SHOWN = 100;

    private final Path image;
    private final GenerationParameters parameters;
    private final List<Entry> entries = new ArrayList<>();

    private RecordedOptions(Path image, GenerationParameters parameters) {
        this.image = image;
        this.parameters = parameters;
    }

    /// An option by its declared name, and the texts that the command line would hold for it.
    ///
    /// @param without options of which one that is given leaves this one out
    /// @param check fails where the value cannot be that of then
    public record Entry(String option, List<String> values, Set<String> without, Runnable check) {

        Entry(String option, List<String> values, Runnable check) {
            this(option, values, Set.of(), check);
        }
    }

    /// Reads the options in the order of the command's help.
    ///
    /// @throws InvalidFileException when the image carries no parameters, or they are malformed
    public static List<Entry> read(Path image) {
        RecordedOptions options = new RecordedOptions(image, GenerationParameters.read(image));
        options.addTraining();
        options.addModel(options.parameters.model());
        options.addRequest();
        if (options.parameters.images() != null) {
            options.addImages(options.parameters.images());
        }
        options.addTemplates();
        options.addLoras();
        return options.entries;
    }

    private void add(String option, Object value) {
        add(option, value, Set.of());
    }

    private void add(String option, Object value, Set<String> without) {
        entries.add(new Entry("--" + option, List.of(value.toString()), without, () -> {}));
    }

    /// A sample of a training is of weights that no file had: what was trained has to be named.
    private void addTraining() {
        if (parameters.step() != null) {
            Set<String> trained = Stream.concat(MODEL.stream(), Stream.of("--" + TEMPLATE, "--lora"))
                    .collect(Collectors.toSet());
            entries.add(new Entry(TemplateOptions.OF_IMAGE, List.of(), trained, () -> {
                throw new InvalidFileException(
                        image,
                        "is a sample of a training (step %s), whose weights were in no file; name the checkpoint by --%s, --lora or --model_paths"
                                .formatted(parameters.step(), TEMPLATE));
            }));
        }
    }

    private void addModel(Model model) {
        ArrayNode parts = JsonNodeFactory.instance.arrayNode();
        for (List<HashedFile> part : model.parts()) {
            ArrayNode files = parts.addArray();
            part.forEach(file -> files.add(file.path()));
        }
        String option = "model_paths";
        entries.add(new Entry(
                "--" + option,
                List.of(parts.toString()),
                () -> model.parts().forEach(part -> part.forEach(file -> requireSame(option, file)))));
        HashedFile tokenizer = model.tokenizer();
        if (tokenizer != null) {
            entries.add(new Entry(
                    "--tokenizer_path",
                    List.of(tokenizer.path()),
                    MODEL,
                    () -> requireSame("tokenizer_path", tokenizer)));
        }
        add("dtype", model.dtype());
        add("device", model.device());
        addNames("fp8_models", model.fp8Models());
        addNames("offload_models", model.offloadModels());
        Integer size = model.tileSize();
        Integer overlap = model.tileOverlap();
        if (size != null && overlap != null) {
            entries.add(new Entry("--tiled", List.of("true"), () -> {}));
            add("tile_size", size, Set.of("--tiled"));
            add("tile_stride", size - overlap, Set.of("--tiled"));
        }
    }

    private void addNames(String option, List<String> names) {
        if (!names.isEmpty()) {
            add(option, String.join(",", names));
        }
    }

    private void addRequest() {
        add("prompt", parameters.prompt());
        add("negative_prompt", parameters.negativePrompt());
        add("cfg_scale", parameters.cfgScale());
        add("embedded_guidance", parameters.embeddedGuidance());
        add("height", parameters.height());
        add("width", parameters.width());
        add("num_inference_steps", parameters.numInferenceSteps());
        add("denoising_strength", parameters.denoisingStrength());
        Long seed = parameters.seed();
        entries.add(new Entry("--seed", seed == null ? List.of() : List.of(seed.toString()), () -> {
            if (seed == null) {
                throw new InvalidFileException(
                        image,
                        "was generated from noise that a program gave, which no seed gives again; pass --seed for another image");
            }
        }));
    }

    private void addImages(Images images) {
        if (images.inputImage() != null) {
            addImages("input_image", List.of(images.inputImage()));
        }
        if (!images.editImages().isEmpty()) {
            addImages("edit_image", images.editImages());
            add("edit_image_auto_resize", images.editImageAutoResize());
        }
        if (images.inpaintMask() != null) {
            addImages("inpaint_mask", List.of(images.inpaintMask()));
            if (images.inpaintBlurSize() > 0) {
                add("inpaint_blur_size", images.inpaintBlurSize());
                add("inpaint_blur_sigma", images.inpaintBlurSigma(), Set.of("--inpaint_blur_size"));
            }
        }
        if (images.inpaintOverlay()) {
            add("inpaint_overlay", true);
        }
    }

    private void addImages(String option, List<Image> images) {
        entries.add(new Entry(
                "--" + option,
                images.stream()
                        .map(Image::path)
                        .map(path -> path == null ? "" : path)
                        .toList(),
                () -> images.forEach(one -> requireSame(option, one))));
    }

    private void addTemplates() {
        String option = TEMPLATE;
        if (!parameters.templates().isEmpty()) {
            entries.add(new Entry(
                    "--" + option,
                    parameters.templates().stream()
                            .map(GenerationParameters.Template::path)
                            .toList(),
                    () -> parameters.templates().forEach(template -> requireSame(option, template))));
            entries.add(new Entry(TemplateOptions.OF_IMAGE, List.of("true"), Set.of("--" + option), () -> {}));
        }
        Runnable files = () -> {
            requireHashed(parameters.templateInputs());
            requireHashed(parameters.negativeTemplateInputs());
            parameters.templateImages().forEach(file -> requireSame("template_inputs", file));
        };
        addInputs("template_inputs", parameters.templateInputs(), files);
        addInputs("negative_template_inputs", parameters.negativeTemplateInputs(), files);
    }

    /// Refuses inputs that name a file of which the image has no hash.
    private void requireHashed(List<ObjectNode> inputs) {
        Set<Path> hashed = parameters.templateImages().stream()
                .map(file -> Path.of(file.path()))
                .collect(Collectors.toSet());
        for (ObjectNode fields : inputs) {
            for (Path file : new TemplateInput(0, fields, Path.of("")).files()) {
                if (!hashed.contains(file)) {
                    throw new InvalidFileException(
                            image,
                            "names '%s' in its Template inputs without a hash, so that it cannot be recognised; pass --template_inputs"
                                    .formatted(shown(file.toString())));
                }
            }
        }
    }

    private void addInputs(String option, List<ObjectNode> inputs, Runnable files) {
        if (!inputs.isEmpty()) {
            entries.add(new Entry("--" + option, List.of(inputs.toString()), files));
        }
    }

    private void addLoras() {
        if (!parameters.loras().isEmpty()) {
            entries.add(new Entry(
                    "--lora",
                    parameters.loras().stream()
                            .map(lora -> lora.path() + "=" + lora.strength())
                            .toList(),
                    () -> parameters
                            .loras()
                            .forEach(lora -> requireSame("lora", new HashedFile(lora.path(), lora.hash())))));
        }
    }

    private void requireSame(String option, GenerationParameters.Template template) {
        if (template.hash() == null) {
            throw new InvalidFileException(
                    image,
                    "carries no hash of the Template '%s', so that it cannot be recognised; name it by --%s"
                            .formatted(shown(template.path()), option));
        }
        requireSame(option, new HashedFile(template.path(), template.hash()));
    }

    private void requireSame(String option, HashedFile then) {
        Path file = path(option, then.path());
        String now = Fingerprint.of(file);
        if (!now.equals(then.hash())) {
            throw changed(option, file, now, then.hash());
        }
    }

    private void requireSame(String option, Image then) {
        if (then.path() == null) {
            throw new InvalidFileException(
                    image,
                    "was generated with an image that was no file then (SHA-256 of its pixels %s); name the image by --%s"
                            .formatted(shown(then.pixels()), option));
        }
        Path file = path(option, then.path());
        String now = RgbImageReader.read(file).sha256();
        if (!now.equals(then.pixels())) {
            throw changed(option, file, now, then.pixels());
        }
    }

    private Path path(String option, String text) {
        Location place = Location.of(image).field(option);
        if (text.length() > MAX_PATH) {
            throw new InvalidFileException(
                    place, "is a path of %s characters, more than %s".formatted(text.length(), MAX_PATH));
        }
        Path path = LocalPath.of(place, text);
        if (Files.notExists(path)) {
            throw new InvalidFileException(
                    path,
                    "no such file or folder; '%s' was generated with it: put it there, or name another by --%s"
                            .formatted(image, option));
        }
        return path;
    }

    private InvalidFileException changed(String option, Path file, String now, String then) {
        return new InvalidFileException(
                file,
                "is not what generated '%s': hash %s, then %s; restore it, or name it or another by --%s to generate another image"
                        .formatted(image, now, shown(then), option));
    }

    private static String shown(String text) {
        return text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "…";
    }
}
