package io.stencil.cli.models;

import io.stencil.error.InvalidRequestException;
import io.stencil.hub.ModelSource;
import io.stencil.hub.ModelSource.Located;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.GenerationParameters;
import io.stencil.template.TemplateInput;
import io.stencil.template.TemplateInputs;
import io.stencil.template.Warnings;
import io.stencil.template.load.TemplateFolder;
import io.stencil.template.load.TemplateSource;
import io.stencil.template.pipeline.TemplatePipeline;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Options that name Templates and their inputs.
public final class TemplateOptions {

    private static final String OPTION = "template_model_id_or_path";

    /// Marks Templates that an image names.
    static final String OF_IMAGE = "--templates_of_image";

    @Option(
            names = "--" + OPTION,
            paramLabel = "DIR|ID:",
            description =
                    "Folder of a Template, or its ID at a hub with a colon; may be repeated, and 'model_id' of an input counts them from 0.")
    private List<String> templates = new ArrayList<>();

    @Option(
            names = "--template_inputs",
            paramLabel = "JSON",
            description = "One object or a list of them, such as '{\"scale\": 0.8}'; an image is a path.")
    private @Nullable String inputs;

    @Option(
            names = "--negative_template_inputs",
            paramLabel = "JSON",
            description = "For the negative side; has an effect when --cfg_scale is not 1.")
    private @Nullable String negativeInputs;

    @Option(
            names = OF_IMAGE,
            hidden = true,
            description = "An image named the Templates (--from), so that their code runs with consent alone.")
    private boolean ofImage;

    @Option(names = "--lazy_loading", description = "Keep one Template in memory at a time, while it works.")
    private boolean lazyLoading;

    /// Templates that are there, and inputs that name one of them.
    public record Steering(
            List<TemplateSource> sources,
            TemplatePipeline.Loading loading,
            List<TemplateInput> positive,
            List<TemplateInput> negative) {

        /// The Templates' folders.
        public List<Path> folders() {
            return sources.stream()
                    .filter(TemplateFolder.class::isInstance)
                    .map(source -> ((TemplateFolder) source).folder())
                    .toList();
        }

        /// Adds the Templates and their inputs to the parameters of an image.
        ///
        /// @throws io.stencil.error.InvalidFileException when a file cannot be read
        public GenerationParameters.Builder addTo(GenerationParameters.Builder parameters) {
            return parameters
                    .templates(folders().stream()
                            .map(GenerationParameters.Template::of)
                            .toList())
                    .templateInputs(
                            positive.stream().map(TemplateInput::json).toList(),
                            negative.stream().map(TemplateInput::json).toList())
                    .templateImages(Stream.concat(positive.stream(), negative.stream())
                            .flatMap(input -> input.files().stream())
                            .distinct()
                            .map(GenerationParameters.HashedFile::of)
                            .toList());
        }

        /// The pipeline with these Templates; it owns `base`, which is closed when a Template cannot be loaded.
        public TemplatePipeline pipeline(Flux2Pipeline base, Warnings warnings) {
            try {
                return new TemplatePipeline(base, sources, loading, warnings);
            } catch (RuntimeException e) {
                base.close();
                throw e;
            }
        }
    }

    /// @throws io.stencil.error.StencilException when a folder is absent, its code may not run or an input is
    ///     malformed
    public Steering resolve(HubModels hub) {
        List<TemplateSource> sources = new ArrayList<>();
        List<TemplateInput> positive = inputs("template_inputs", inputs);
        List<TemplateInput> negative = inputs("negative_template_inputs", negativeInputs);
        for (String text : templates) {
            TemplateFolder own = resolve(text, hub);
            sources.add(ofImage ? hub.requireConsent(own) : hub.recordNamed(own));
        }
        return new Steering(
                sources,
                lazyLoading ? TemplatePipeline.Loading.LAZY : TemplatePipeline.Loading.EAGER,
                positive,
                negative);
    }

    /// Validates all that needs no hub.
    ///
    /// @throws io.stencil.error.StencilException when a local folder is absent, an input is malformed, or Templates
    ///     have no inputs
    public void checkLocal() {
        inputs("template_inputs", inputs);
        inputs("negative_template_inputs", negativeInputs);
        templates.forEach(TemplateOptions::checkLocal);
        if (!templates.isEmpty() && inputs == null && negativeInputs == null) {
            throw new InvalidRequestException(
                    "template_inputs",
                    "is missing: Template '%s' has no effect without an input; give one, such as '{\"scale\": 0.8}', or '{}' where it needs no fields"
                            .formatted(templates.getFirst()));
        }
    }

    /// Templates that no input names, as warnings of one line.
    public List<String> warnings() {
        Set<Integer> used = new HashSet<>();
        inputs("template_inputs", inputs).forEach(input -> used.add(input.modelId()));
        inputs("negative_template_inputs", negativeInputs).forEach(input -> used.add(input.modelId()));
        return IntStream.range(0, templates.size())
                .filter(id -> !used.contains(id))
                .mapToObj(id -> "Template '%s' has no effect: no template input has 'model_id' %s"
                        .formatted(templates.get(id), id))
                .toList();
    }

    /// The files that texts in the inputs may name, such as images.
    public List<Path> inputFiles() {
        return Stream.of(inputs("template_inputs", inputs), inputs("negative_template_inputs", negativeInputs))
                .flatMap(List::stream)
                .flatMap(input -> input.files().stream())
                .toList();
    }

    /// Validates the folder of a Template, unless it has to be fetched.
    ///
    /// @throws InvalidRequestException when it does not exist
    public static void checkLocal(String text) {
        ModelSource.parse(OPTION, text).local().ifPresent(Located::folder);
    }

    /// Resolves a Template's folder, `FOLDER[:SUBFOLDER]` or `ID:[SUBFOLDER]` of a hub, and the code that may run.
    public static TemplateFolder resolve(String text, HubModels hub) {
        Located located = ModelSource.parse(OPTION, text).resolve(hub);
        Path folder = located.folder();
        return new TemplateFolder(folder, hub.trusted(located.snapshot(), folder));
    }

    private List<TemplateInput> inputs(String option, @Nullable String json) {
        if (json == null) {
            return List.of();
        }
        List<TemplateInput> parsed = TemplateInputs.parse(option, json, Path.of(""));
        for (TemplateInput input : parsed) {
            if (input.modelId() < 0 || input.modelId() >= templates.size()) {
                throw new InvalidRequestException(
                        option,
                        "'model_id' is %s, but %s Templates are named by --template_model_id_or_path, counted from 0"
                                .formatted(input.modelId(), templates.size()));
            }
        }
        return parsed;
    }
}
