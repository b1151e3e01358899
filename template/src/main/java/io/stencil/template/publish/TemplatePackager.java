package io.stencil.template.publish;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.TemplateException;
import io.stencil.files.AtomicFile;
import io.stencil.files.AtomicFolder;
import io.stencil.image.RgbImageWriter;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.GeneratedImage;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.pipeline.ProgressListener;
import io.stencil.template.TemplateInput;
import io.stencil.template.Warnings;
import io.stencil.template.Weights;
import io.stencil.template.load.TemplateFolder;
import io.stencil.template.load.TemplateFolder.WeightContent;
import io.stencil.template.load.TemplateSource;
import io.stencil.template.load.TrustedCode;
import io.stencil.template.pipeline.TemplatePipeline;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Makes a folder that is whole and proven: all weights, code, a card, sample images.
public final class TemplatePackager {

    /// Sample image of the request without the Template.
    static final String UNSTEERED = "samples/without.png";

    private static final List<String> COPIED = List.of("Model.java", "model.jar", "LICENSE", "NOTICE");

    private final Request request;
    private final Consumer<String> report;

    /// @param report receives a line about each step
    public TemplatePackager(Request request, Consumer<String> report) {
        this.request = request;
        this.report = report;
    }

    /// Writes the last files of a complete package, such as checksums.
    @FunctionalInterface
    public interface Seal {
        void on(Path folder) throws IOException;
    }

    /// Validates that the output folder is free, before models are fetched.
    ///
    /// @throws io.stencil.error.StencilException when it is no empty folder
    public static void requireFree(Path output) {
        try {
            AtomicFolder.requireFree(output);
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(output), "cannot be looked at: " + e, e);
        }
    }

    /// Packages. The output folder is there only when all has succeeded.
    ///
    /// @param base the model that is steered; this closes it
    /// @throws io.stencil.error.StencilException when the parts do not fit, or the package does not generate what the
    ///     checkpoint does
    public void run(Flux2Pipeline base, Seal seal) {
        try (base) {
            AtomicFolder.write(request.output(), made -> make(made, base, seal));
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(request.output()), "cannot be written: " + e, e);
        }
    }

    private void make(Path made, Flux2Pipeline base, Seal seal) throws IOException {
        TemplateFolder folder = request.folder();
        List<WeightContent> parts = weightParts(folder, base);
        CheckpointedTemplate trained = new CheckpointedTemplate(folder, request.checkpoints());
        copy(made);
        MergedWeights.write(made, trained, base, parts, request.maxShardBytes());
        report.accept("merged the weights");
        prove(trained, new TemplateFolder(made, request.trusted()), base, made);
        String inputs = folder.describeInputs().orElseGet(folder::describeBuiltInInputs);
        GenerationRequest samples = request.request().withDefaults(base.models().kind());
        AtomicFile.writeText(made.resolve("README.md"), ModelCard.text(request, samples, inputs));
        seal.on(made);
    }

    /// The files that the package's code loads its weights from; one for a folder of weights alone.
    ///
    /// @throws TemplateException when it loads none
    private static List<WeightContent> weightParts(TemplateFolder folder, Flux2Pipeline base) {
        Optional<Weights> declared = folder.declaredWeights();
        if (declared.isPresent() && declared.get() instanceof Weights.Random(long seed)) {
            throw new TemplateException(
                    folder.folder(),
                    "weights() returns Weights.random(%s), so that a package would not load what was trained; to be packaged it must give Weights.fileOrRandom(\"%s\", seed)"
                            .formatted(seed, MergedWeights.FILE_NAME));
        }
        List<WeightContent> parts = folder.weightContent(base);
        if (declared.isPresent()) {
            return parts;
        }
        List<Path> files = parts.stream().flatMap(part -> part.files().stream()).toList();
        return List.of(new WeightContent(MergedWeights.FILE_NAME, "", files, Set.of()));
    }

    private void copy(Path made) throws IOException {
        for (String name : COPIED) {
            Path file = request.template().resolve(name);
            if (Files.isRegularFile(file)) {
                Files.copy(file, made.resolve(name));
            }
        }
    }

    /// Loads the package strictly, generates with it and with the checkpoint, and compares to the last bit.
    private void prove(CheckpointedTemplate trained, TemplateFolder packaged, Flux2Pipeline base, Path made)
            throws IOException {
        if (request.samples().isEmpty()) {
            throw new InvalidRequestException("template_inputs", "is missing: the inputs of the sample images");
        }
        List<TemplateSource> both = List.of(trained, new CheckpointedTemplate(packaged, List.of()));
        // The pipeline is not closed here: it would close the base, which is the caller's frame's to close.
        TemplatePipeline pipeline = new TemplatePipeline(base, both, TemplatePipeline.Loading.LAZY, Warnings.logged());
        Files.createDirectories(made.resolve("samples"));
        GeneratedImage unsteered = pipeline.generate(request.request(), List.of(), List.of(), ProgressListener.NONE);
        RgbImageWriter.write(unsteered.image(), made.resolve(UNSTEERED));
        for (int i = 0; i < request.samples().size(); i++) {
            TemplateInput sample = request.samples().get(i);
            GeneratedImage image = generate(pipeline, sample, 1);
            if (i == 0) {
                requireSame(generate(pipeline, sample, 0), image);
                report.accept("the package generates what the checkpoint does");
            }
            RgbImageWriter.write(image.image(), made.resolve(sampleName(i)));
        }
    }

    static String sampleName(int index) {
        return "samples/%s.png".formatted(index);
    }

    private GeneratedImage generate(TemplatePipeline pipeline, TemplateInput sample, int model) {
        TemplateInput input = new TemplateInput(model, sample.fields(), sample.folder());
        return pipeline.generate(request.request(), List.of(input), List.of(), ProgressListener.NONE);
    }

    private void requireSame(GeneratedImage expected, GeneratedImage found) {
        try (Scope _ = new Scope()) {
            float[] before = Tensors.toFloats(expected.latents().toTensor());
            float[] after = Tensors.toFloats(found.latents().toTensor());
            if (!Arrays.equals(before, after)) {
                throw new TemplateException(
                        request.template(),
                        "does not generate the same once it is packaged; it must make nothing that its weights do not hold");
            }
        }
    }

    /// A Template to package, and the content of its model card.
    ///
    /// @param template folder that was trained
    /// @param trusted its code that may run
    /// @param checkpoints that its training wrote, each with tensors of its own; none for the weights that lie in the
    ///     folder
    /// @param output folder that is made
    /// @param maxShardBytes above which weights are written in several files
    /// @param request of the sample images, the first of which proves the package
    /// @param samples inputs, one an image; at least one
    public record Request(
            Path template,
            TrustedCode trusted,
            List<Path> checkpoints,
            Path output,
            long maxShardBytes,
            GenerationRequest request,
            List<TemplateInput> samples,
            Card card) {

        public Request {
            checkpoints = List.copyOf(checkpoints);
            samples = List.copyOf(samples);
        }

        /// The Template that was trained.
        ///
        /// @throws io.stencil.error.TemplateException when there is no such folder, or its code may not run
        TemplateFolder folder() {
            return new TemplateFolder(template, trusted);
        }
    }

    /// The content of a model card that the Template's files do not hold.
    ///
    /// @param baseModel name of the model that is steered; null leaves it out
    /// @param baseModelId ID of that model at a hub; null leaves it out
    /// @param license null leaves it out
    /// @param training options of the training that are not the defaults, by name; empty when they are not recorded
    public record Card(
            @Nullable String baseModel,
            @Nullable String baseModelId,
            @Nullable String license,
            Map<String, String> training) {

        public Card {
            training = Map.copyOf(training);
        }
    }
}
