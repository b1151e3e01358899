package io.stencil.cli;

import io.stencil.cli.models.BaseModelOptions;
import io.stencil.cli.models.BaseModelOptions.BaseModel;
import io.stencil.cli.models.HubModels;
import io.stencil.cli.models.HubOptions;
import io.stencil.cli.models.TemplateOptions;
import io.stencil.cli.models.WeightOptions;
import io.stencil.cli.terminal.ProgressLine;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.flux2.lora.LoraFile;
import io.stencil.hub.ModelSource;
import io.stencil.hub.ModelSource.Located;
import io.stencil.image.RgbImageWriter;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.GeneratedImage;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.pipeline.LoraMatch;
import io.stencil.pipeline.ProgressListener;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.pipeline.TemplatePipeline;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `stencil generate`: makes one picture.
///
/// All that can be checked is checked before models are loaded; nothing is written unless the picture is made.
@Command(name = "generate", description = "Make a picture, steered by Templates where they are named.")
@SuppressWarnings("NullAway.Init") // fields are set by picocli before a command runs
final class GenerateCommand implements Callable<Integer> {

    @Mixin
    private BaseModelOptions base;

    @Mixin
    private WeightOptions weights;

    @Mixin
    private TilingOptions tiling;

    @Mixin
    private RequestOptions requestOptions;

    @Mixin
    private TemplateOptions templates;

    @Option(
            names = "--lora",
            paramLabel = "FILE|DIR|ID:FILE",
            description = "Hot-load a LoRA: a safetensors file, or a PEFT folder with adapter_config.json.")
    private @Nullable String lora;

    @Option(
            names = "--lora_alpha",
            paramLabel = "A",
            description = "Strength of the LoRA, beside the scale that its file gives. Default: 1.")
    private @Nullable Double loraAlpha;

    @Option(names = "--output", paramLabel = "FILE.png", required = true, description = "Where the picture goes.")
    private Path output;

    @Option(
            names = "--save_latents",
            paramLabel = "FILE.safetensors",
            description = "Write the final latents [1, 128, H/16, W/16] too, as tensor 'latents'.")
    private @Nullable Path latents;

    @Mixin
    private HubOptions hub;

    @Spec
    private CommandSpec command;

    @Override
    public Integer call() {
        OutputCheck.requireFile("output", output, ".png");
        if (latents != null) {
            OutputCheck.requireFile("save_latents", latents, ".safetensors");
        }
        if (loraAlpha != null && lora == null) {
            throw new InvalidRequestException(
                    "lora_alpha", "needs --lora: there is no LoRA whose strength it could be");
        }
        if (loraAlpha != null) {
            LoraFile.requireStrength(loraAlpha);
        }
        save(generate(job()));
        return 0;
    }

    /// Request, models and Templates of a generation.
    private record Job(
            ModelFiles files,
            LoadOptions load,
            GenerationRequest request,
            TemplateOptions.Steering steering,
            @Nullable Path lora) {}

    /// Validates local files before fetching.
    private Job job() {
        LoadOptions load = tiling.apply(base.load());
        GenerationRequest request = requestOptions.read();
        requireNewOutputs(requestOptions.files());
        ModelSource loraSource = lora == null ? null : ModelSource.parse("lora", lora);
        if (loraSource != null) {
            loraSource.local().ifPresent(Located::fileOrFolder);
        }
        LoadOptions _ = weights.apply(load, base.checkLocal(true));
        templates.checkLocal();
        requireNewOutputs(Map.of("--template_inputs", templates.inputFiles()));
        try (HubModels remote = hub.open()) {
            Path loraFile =
                    loraSource == null ? null : loraSource.resolve(remote).fileOrFolder();
            // Small, and refused where its code is not trusted: it comes before the base model.
            TemplateOptions.Steering steering = templates.resolve(remote);
            if (steering.sources().isEmpty()) {
                request.requirePictures();
            }
            BaseModel model = base.resolve(remote, true);
            requireNewOutputs(Map.of(
                    "the base model",
                            model.files().parts().stream().flatMap(List::stream).toList(),
                    "--template_model_id_or_path", steering.folders(),
                    "--lora", loraFile == null ? List.of() : List.of(loraFile)));
            return new Job(model.files(), weights.apply(load, model), request, steering, loraFile);
        }
    }

    private void requireNewOutputs(Map<String, List<Path>> inputs) {
        OutputCheck.requireNoInput("output", output, inputs);
        if (latents != null) {
            OutputCheck.requireNoInput("save_latents", latents, inputs);
        }
    }

    private GeneratedImage generate(Job job) {
        PrintWriter err = command.commandLine().getErr();
        templates.warnings().forEach(this::warn);
        try (TemplatePipeline pipeline =
                job.steering().pipeline(Flux2Pipeline.load(job.files(), job.load()), this::warn)) {
            if (job.lora() != null) {
                LoraMatch match = pipeline.base().loadLora(job.lora(), loraAlpha == null ? 1 : loraAlpha);
                err.println(job.lora() + ": " + match);
            }
            long begin = System.nanoTime();
            try (ProgressLine line = ProgressLine.on(err)) {
                return pipeline.generate(
                        job.request(), job.steering().positive(), job.steering().negative(), new Progress(line, begin));
            }
        }
    }

    private void warn(String message) {
        command.commandLine().getErr().println("stencil: warning: " + message);
    }

    /// Shows the steps and warnings of the generation.
    private final class Progress implements ProgressListener {

        private final ProgressLine line;
        private final long begin;

        /// @param begin of the generation, by [System#nanoTime]
        Progress(ProgressLine line, long begin) {
            this.line = line;
            this.begin = begin;
        }

        @Override
        public void onStep(int done, int total) {
            Duration time = Duration.ofNanos(System.nanoTime() - begin);
            line.show("step %s of %s, %s".formatted(done, total, ProgressLine.time(time)));
        }

        @Override
        public void onWarning(String message) {
            warn(message);
        }
    }

    private void save(GeneratedImage result) {
        PrintWriter out = command.commandLine().getOut();
        write(output, () -> RgbImageWriter.write(result.image(), output));
        out.println("wrote %s (%s)".formatted(output, result.image().size()));
        if (latents != null) {
            Path file = latents;
            write(file, () -> result.latents().save(file));
            out.println("wrote " + file);
        }
        out.flush();
    }

    private interface Writing {
        void run() throws IOException;
    }

    private static void write(Path file, Writing writing) {
        try {
            writing.run();
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(file), "cannot be written: " + e, e);
        }
    }
}
