package io.stencil.pipeline;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.Arguments;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.error.StencilException;
import io.stencil.files.Fingerprint;
import io.stencil.files.StencilVersion;
import io.stencil.image.ImageTexts;
import io.stencil.image.RgbImage;
import io.stencil.json.Json;
import io.stencil.json.JsonFile;
import io.stencil.json.JsonReason;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.unit.ModelRole;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Records what generated an image: the request, and the models, Templates and LoRAs with their hashes.
///
/// An image carries it as [#texts]: in the form of AUTOMATIC1111's web interface, which many tools show, and as JSON
/// with all values, from which `stencil generate --from` generates the image again.
///
/// ```java
/// Model model = Model.of(files, load); // once, when the models are loaded
/// ImageTexts texts = GenerationParameters.of(request.withDefaults(models.kind()), model).build().texts();
/// RgbImageWriter.write(image, Path.of("cat.png"), texts);
/// ```
/// Equal requests have equal texts: there is no time in them. Paths stand in them as they were given. Key/value caches,
/// LoRAs and text embeddings that a program puts into the [SideConditions] of a request itself are not recorded.
///
/// @param stencilVersion that generated the image
/// @param height as requested, before it is rounded up; likewise `width`
/// @param seed null where a program gave the noise itself
/// @param images that go into the generation; null where there are none
/// @param templates that take part; `model_id` of an input is an index into them
/// @param templateInputs each with its `model_id`, images as paths
/// @param templateImages the files that Template inputs name
/// @param step of the training that generated the image as a sample; null for any other image
@JsonNaming(SnakeCaseStrategy.class)
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record GenerationParameters(
        String stencilVersion,
        @JsonInclude(JsonInclude.Include.ALWAYS) String prompt,
        String negativePrompt,
        int height,
        int width,
        @Nullable Long seed,
        int numInferenceSteps,
        double cfgScale,
        double embeddedGuidance,
        double denoisingStrength,
        @Nullable Images images,
        List<Template> templates,
        List<ObjectNode> templateInputs,
        List<ObjectNode> negativeTemplateInputs,
        List<HashedFile> templateImages,
        List<Lora> loras,
        Model model,
        @Nullable Long step) {

    private static final String DEFAULTS = "it is the model's default; call withDefaults(models.kind())";

    /// Reads values of another version: without those that this one does not know, and with empty lists for absent
    /// ones.
    private static final ObjectReader READER = Json.MAPPER
            .readerFor(GenerationParameters.class)
            .without(
                    DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES,
                    DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES,
                    DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES);

    /// @throws io.stencil.error.InvalidRequestException naming a value that is missing
    public GenerationParameters {
        Arguments.require("stencil_version", stencilVersion);
        Arguments.require("prompt", prompt);
        negativePrompt = Objects.requireNonNullElse(negativePrompt, "");
        templates = copyOf("templates", templates);
        templateInputs = copyOf("template_inputs", templateInputs);
        negativeTemplateInputs = copyOf("negative_template_inputs", negativeTemplateInputs);
        templateImages = copyOf("template_images", templateImages);
        loras = copyOf("loras", loras);
        Arguments.require("model", model);
    }

    private static <T> List<T> copyOf(String name, @Nullable List<T> values) {
        return values == null ? List.of() : Arguments.copyOf(name, values);
    }

    /// A file or folder, and its [Fingerprint].
    ///
    /// @param path as it was given
    public record HashedFile(String path, String hash) {

        public HashedFile {
            Arguments.require("path", path);
            Arguments.require("hash", hash);
        }

        /// @throws InvalidFileException when it is absent or cannot be read
        public static HashedFile of(Path path) {
            return new HashedFile(path.toString(), Fingerprint.of(path));
        }
    }

    /// A Template.
    ///
    /// @param path its folder as it was given, or the name under which a service has it
    /// @param hash the [Fingerprint] of its code and weights; null while it is trained
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Template(String path, @Nullable String hash) {

        public Template {
            Arguments.require("path", path);
        }

        /// @throws InvalidFileException when it cannot be read
        public static Template of(Path folder) {
            return new Template(folder.toString(), Fingerprint.of(folder));
        }
    }

    /// A LoRA file or PEFT folder.
    ///
    /// @param path as it was given, or the name under which a service has it
    /// @param hash its [Fingerprint]
    public record Lora(String path, String hash, double strength) {

        public Lora {
            Arguments.require("path", path);
            Arguments.require("hash", hash);
        }

        /// @throws InvalidFileException when it cannot be read
        public static Lora of(Path file, double strength) {
            return new Lora(file.toString(), Fingerprint.of(file), strength);
        }
    }

    /// An image that goes into a generation.
    ///
    /// @param path as it was given; null for one that never was a file here
    /// @param pixels SHA-256 of its size and pixels ([RgbImage#sha256]), which metadata and format do not change
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Image(@Nullable String path, String pixels) {

        public Image {
            Arguments.require("pixels", pixels);
        }

        /// @param path null for an image that never was a file here
        public static Image of(RgbImage image, @Nullable Path path) {
            return new Image(path == null ? null : path.toString(), image.sha256());
        }
    }

    /// The images of a request, with the settings of their use.
    @JsonNaming(SnakeCaseStrategy.class)
    @JsonInclude(JsonInclude.Include.NON_EMPTY)
    public record Images(
            @Nullable Image inputImage,
            List<Image> editImages,
            boolean editImageAutoResize,
            @Nullable Image inpaintMask,
            int inpaintBlurSize,
            double inpaintBlurSigma,
            boolean inpaintOverlay) {

        public Images {
            editImages = copyOf("edit_images", editImages);
        }

        private static @Nullable Images of(GenerationRequest.ImageConditions conditions, Map<RgbImage, Path> paths) {
            RgbImage input = conditions.input();
            EditImages edit = conditions.edit();
            Inpaint inpaint = conditions.inpaint();
            if (input == null && edit == null && inpaint == null) {
                return null;
            }
            return new Images(
                    input == null ? null : Image.of(input, paths.get(input)),
                    edit == null
                            ? List.of()
                            : edit.images().stream()
                                    .map(image -> Image.of(image, paths.get(image)))
                                    .toList(),
                    edit == null || edit.autoResize(),
                    inpaint == null ? null : Image.of(inpaint.mask(), paths.get(inpaint.mask())),
                    inpaint == null ? 0 : inpaint.blurSize(),
                    inpaint == null ? 1 : inpaint.blurSigma(),
                    conditions.overlay());
        }
    }

    /// The base model: its files, and how they were loaded.
    ///
    /// @param name for people
    /// @param parts as in [ModelFiles]
    /// @param tokenizer null for the one that is built in
    /// @param dtype as `--dtype` has it; likewise `device`
    /// @param fp8Models names of [ModelRole]s; likewise `offloadModels`
    /// @param tileSize pixels of a VAE tile's side where all images go through in tiles, else null
    /// @param tileOverlap pixels, or null likewise
    @JsonNaming(SnakeCaseStrategy.class)
    @JsonInclude(JsonInclude.Include.NON_EMPTY)
    public record Model(
            String name,
            List<List<HashedFile>> parts,
            @Nullable HashedFile tokenizer,
            String dtype,
            String device,
            List<String> fp8Models,
            List<String> offloadModels,
            @Nullable Integer tileSize,
            @Nullable Integer tileOverlap) {

        public Model {
            Arguments.require("name", name);
            parts = copyOf("parts", parts);
            Arguments.require("dtype", dtype);
            Arguments.require("device", device);
            fp8Models = copyOf("fp8_models", fp8Models);
            offloadModels = copyOf("offload_models", offloadModels);
        }

        /// Hashes the files of a base model.
        ///
        /// @throws InvalidFileException when one is absent or cannot be read
        public static Model of(ModelFiles files, LoadOptions load) {
            boolean tiled = load.tiling().wholePixels() == 0;
            return new Model(
                    name(files),
                    files.parts().stream()
                            .map(part -> part.stream().map(HashedFile::of).toList())
                            .toList(),
                    files.tokenizer() == null ? null : HashedFile.of(files.tokenizer()),
                    load.dtype().text(),
                    load.device().toString(),
                    labels(load.float8()),
                    labels(load.offload()),
                    tiled ? load.tiling().tiles().tilePixels() : null,
                    tiled ? load.tiling().tiles().overlapPixels() : null);
        }

        /// Copies the model with another name, and names such as `klein/transformer` in place of paths: for images
        /// that others get.
        public Model published(String publicName) {
            return new Model(
                    publicName,
                    parts.stream()
                            .map(part -> part.stream()
                                    .map(file -> published(publicName, file))
                                    .toList())
                            .toList(),
                    tokenizer == null ? null : published(publicName, tokenizer),
                    dtype,
                    device,
                    fp8Models,
                    offloadModels,
                    tileSize,
                    tileOverlap);
        }

        private static HashedFile published(String publicName, HashedFile file) {
            return new HashedFile(publicName + "/" + Path.of(file.path()).getFileName(), file.hash());
        }

        private static List<String> labels(Set<ModelRole> roles) {
            return roles.stream().map(ModelRole::label).sorted().toList();
        }

        /// Names a model by the folder around its parts, or by its first file.
        private static String name(ModelFiles files) {
            if (files.parts().isEmpty() || files.parts().getFirst().isEmpty()) {
                return "none";
            }
            Path first = files.parts().getFirst().getFirst().toAbsolutePath().normalize();
            Path named = Files.isDirectory(first) && first.getParent() != null ? first.getParent() : first;
            String name = String.valueOf(named.getFileName());
            return name.replaceFirst("\\.(safetensors|gguf)$", "");
        }
    }

    /// Begins with the values of a request: prompts, numbers, images without paths, LoRAs.
    ///
    /// @param request whose steps and guidance are set, as [GenerationRequest#withDefaults] does
    public static Builder of(GenerationRequest request, Model model) {
        return new Builder(Arguments.require("request", request), Arguments.require("model", model));
    }

    /// Reads the parameters that an image carries.
    ///
    /// @throws InvalidFileException when the file is not an image, carries no parameters of Stencil, or they are
    ///     malformed
    public static GenerationParameters read(Path image) {
        String json = ImageTexts.read(image).map(ImageTexts::json).orElse("");
        if (json.isEmpty()) {
            throw new InvalidFileException(
                    image,
                    "carries no parameters of Stencil (text '%s'): it was not generated by Stencil, or was saved again by a program that drops them"
                            .formatted(ImageTexts.JSON));
        }
        return parse(Location.of(image).field(ImageTexts.JSON), json);
    }

    /// Parses the JSON text that an image carries.
    ///
    /// @param place of the text, for messages
    /// @throws InvalidFileException when it is malformed
    public static GenerationParameters parse(Location place, String json) {
        JsonNode tree = JsonFile.parse(place, json);
        try {
            GenerationParameters parameters = READER.readValue(tree);
            return Arguments.require("parameters", parameters);
        } catch (JsonProcessingException e) {
            String what = e.getCause() instanceof StencilException fault
                    ? String.valueOf(fault.getMessage())
                    : JsonReason.ofBinding(e, tree);
            throw new InvalidFileException(place, what, e);
        } catch (IOException e) {
            throw new InvalidFileException(place, "cannot be read: " + e, e);
        }
    }

    /// Returns the values as JSON, which [#parse] reads.
    public ObjectNode json() {
        return Json.MAPPER.valueToTree(this);
    }

    /// Returns the texts that the image carries.
    public ImageTexts texts() {
        return new ImageTexts(Infotext.of(this), json().toString());
    }

    /// Adds what a request does not know.
    public static final class Builder {

        private final GenerationRequest request;
        private final Model model;
        private @Nullable Long seed;
        private @Nullable Long step;
        private Map<RgbImage, Path> paths = Map.of();
        private @Nullable List<Lora> loras;
        private List<Template> templates = List.of();
        private List<ObjectNode> positive = List.of();
        private List<ObjectNode> negative = List.of();
        private List<HashedFile> templateImages = List.of();

        private Builder(GenerationRequest request, Model model) {
            this.request = request;
            this.model = model;
            this.seed = request.noise() == null ? request.seed() : null;
        }

        /// The seed of one of several images of a request.
        public Builder seed(long value) {
            seed = value;
            return this;
        }

        /// The step of the training that generates the image.
        public Builder step(long value) {
            step = value;
            return this;
        }

        /// The files of the request's images.
        public Builder paths(Map<RgbImage, Path> files) {
            paths = Map.copyOf(files);
            return this;
        }

        /// All LoRAs that take part, in place of those of the request.
        public Builder loras(List<Lora> all) {
            loras = all;
            return this;
        }

        public Builder templates(List<Template> all) {
            templates = all;
            return this;
        }

        /// The Template inputs of both sides, each with its `model_id`.
        public Builder templateInputs(List<ObjectNode> ofPositive, List<ObjectNode> ofNegative) {
            positive = ofPositive;
            negative = ofNegative;
            return this;
        }

        /// The files that Template inputs name.
        public Builder templateImages(List<HashedFile> files) {
            templateImages = files;
            return this;
        }

        /// Hashes the LoRAs of the request, unless others take their place.
        ///
        /// @throws InvalidFileException when one cannot be read
        public GenerationParameters build() {
            return new GenerationParameters(
                    StencilVersion.number(),
                    request.positive().prompt(),
                    request.negative().prompt(),
                    request.height(),
                    request.width(),
                    seed,
                    Arguments.require("num_inference_steps", request.steps(), DEFAULTS),
                    Arguments.require("cfg_scale", request.cfgScale(), DEFAULTS),
                    request.embeddedGuidance(),
                    request.denoisingStrength(),
                    Images.of(request.image(), paths),
                    templates,
                    positive,
                    negative,
                    templateImages,
                    loras == null
                            ? request.loras().stream()
                                    .map(use -> Lora.of(use.file(), use.strength()))
                                    .toList()
                            : loras,
                    model,
                    step);
        }
    }
}
