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
import io.stencil.flux2.files.LoraFile;
import io.stencil.flux2.vae.Tiling;
import io.stencil.hub.ModelSource;
import io.stencil.hub.ModelSource.Located;
import io.stencil.image.ImageFormat;
import io.stencil.image.ImageTexts;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageWriter;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.Flux2Pipeline.LoraMatch;
import io.stencil.pipeline.GeneratedImage;
import io.stencil.pipeline.GenerationParameters;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.pipeline.GenerationRequest.LoraUse;
import io.stencil.pipeline.ProgressListener;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.models.VaeTiling;
import io.stencil.template.pipeline.TemplatePipeline;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `stencil generate`: generates one image.
///
/// Validates all options before loading models, and writes nothing unless the image is complete.
@Command(name = "generate", description = "Generate an image, steered by Templates where they are named.")
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

    @Mixin
    private LoraOptions loras;

    @Option(
            names = "--output",
            paramLabel = "FILE",
            required = true,
            description = "Gets the image, and what generated it: PNG, JPEG (.jpg) or WebP (.webp) by its name.")
    private Path output;

    @Option(
            names = "--from",
            paramLabel = "IMAGE",
            description = "Generate this image again: take all options from the parameters that it carries. Options "
                    + "that are given win. A model, Template, LoRA or image that has changed since is an error.")
    private @Nullable Path from;

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
        ImageFormat format = OutputCheck.requireImage("output", output);
        if (latents != null) {
            OutputCheck.requireFile("save_latents", latents, ".safetensors");
        }
        save(generate(job(loras.read()), format));
        return 0;
    }

    /// Request, models and Templates of a generation.
    private record Job(
            ModelFiles files,
            LoadOptions load,
            GenerationRequest request,
            TemplateOptions.Steering steering,
            List<LoraUse> loras) {}

    /// An image, and the texts that its file carries.
    private record Result(GeneratedImage image, ImageTexts texts) {}

    /// Validates local files before fetching.
    private Job job(List<LoraOptions.Choice> choices) {
        LoadOptions load = tiling.apply(base.load());
        GenerationRequest request = requestOptions.read();
        requireNewOutputs(requestOptions.files());
        requireNewOutputs(Map.of("--from", from == null ? List.of() : List.of(from)));
        choices.forEach(choice -> choice.source().local().ifPresent(Located::fileOrFolder));
        LoadOptions _ = weights.apply(load, base.checkLocal());
        templates.checkLocal();
        requireNewOutputs(Map.of("--template_inputs", templates.inputFiles()));
        try (HubModels remote = hub.open()) {
            List<LoraUse> used = choices.stream()
                    .map(choice -> new LoraUse(choice.source().resolve(remote).fileOrFolder(), choice.strength()))
                    .toList();
            // Small, and refused where its code is not trusted: it comes before the base model.
            TemplateOptions.Steering steering = templates.resolve(remote);
            if (steering.sources().isEmpty()) {
                request.requireImages();
            }
            BaseModel model = base.resolve(remote);
            requireNewOutputs(Map.of(
                    "the base model",
                            model.files().parts().stream().flatMap(List::stream).toList(),
                    "--template_model_id_or_path", steering.folders(),
                    "--lora", used.stream().map(LoraUse::file).toList()));
            return new Job(model.files(), weights.apply(load, model), request, steering, used);
        }
    }

    private void requireNewOutputs(Map<String, List<Path>> inputs) {
        OutputCheck.requireNoInput("output", output, inputs);
        if (latents != null) {
            OutputCheck.requireNoInput("save_latents", latents, inputs);
        }
    }

    /// @param request with its steps and guidance
    private ImageTexts texts(Job job, GenerationRequest request) {
        GenerationParameters.Builder parameters = GenerationParameters.of(
                        request, GenerationParameters.Model.of(job.files(), job.load()))
                .paths(requestOptions.paths())
                .loras(job.loras().stream()
                        .map(lora -> GenerationParameters.Lora.of(lora.file(), lora.strength()))
                        .toList());
        return job.steering().addTo(parameters).build().texts();
    }

    private Result generate(Job job, ImageFormat format) {
        PrintWriter err = command.commandLine().getErr();
        templates.warnings().forEach(this::warn);
        try (TemplatePipeline pipeline =
                job.steering().pipeline(Flux2Pipeline.load(job.files(), job.load()), this::warn)) {
            for (LoraUse lora : job.loras()) {
                LoraMatch match = pipeline.base().loadLora(lora.file(), lora.strength());
                err.println(lora.file() + ": " + match);
                match.warning().ifPresent(this::warn);
            }
            GenerationRequest request =
                    job.request().withDefaults(pipeline.base().models().kind());
            ImageTexts texts = texts(job, request);
            format.requireFits(request.imageSize(), texts);
            long begin = System.nanoTime();
            try (ProgressLine line = ProgressLine.on(err)) {
                TemplateOptions.Steering steering = job.steering();
                GeneratedImage image =
                        pipeline.generate(request, steering.positive(), steering.negative(), new Progress(line, begin));
                return new Result(image, texts);
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

    private void save(Result result) {
        PrintWriter out = command.commandLine().getOut();
        Path file = output;
        try {
            RgbImage image = result.image().image();
            RgbImageWriter.write(image, file, result.texts());
            out.println("wrote %s (%s)".formatted(file, image.size()));
            if (latents != null) {
                file = latents;
                result.image().latents().save(file);
                out.println("wrote " + file);
            }
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(file), "cannot be written: " + e, e);
        }
        out.flush();
    }

    /// Options that name LoRAs and their strengths.
    static final class LoraOptions {

        private static final Pattern NUMBER = Pattern.compile("[^/:=]*");

        @Option(
                names = "--lora",
                paramLabel = "FILE|DIR|ID:FILE[=STRENGTH]",
                description =
                        "Hot-load a LoRA, DoRA, LoKr or LoHa, with names of any tool: a safetensors file, or a PEFT folder "
                                + "with adapter_config.json. May be repeated; strengths are beside the scales that files give.")
        private List<String> loras = new ArrayList<>();

        @Option(
                names = "--lora_alpha",
                paramLabel = "A",
                description = "Strength of the one LoRA that is named without =STRENGTH. Default: 1.")
        private @Nullable Double loraAlpha;

        /// A LoRA and its strength.
        record Choice(ModelSource source, double strength) {}

        /// @throws InvalidRequestException when a strength is no number, or it is unclear whose it is
        List<Choice> read() {
            if (loraAlpha != null) {
                if (loras.isEmpty()) {
                    throw new InvalidRequestException(
                            "lora_alpha", "needs --lora: there is no LoRA whose strength it could be");
                }
                LoraFile.requireStrength(loraAlpha);
                if (loras.size() > 1 || strengthAt(loras.getFirst()) >= 0) {
                    throw new InvalidRequestException(
                            "lora_alpha",
                            "is the strength of one --lora without its own, found %s; write --lora FILE=STRENGTH for each"
                                    .formatted(String.join(", ", loras)));
                }
            }
            return loras.stream().map(this::choice).toList();
        }

        private Choice choice(String text) {
            int end = strengthAt(text);
            if (end < 0) {
                return new Choice(ModelSource.parse("lora", text), loraAlpha == null ? 1 : loraAlpha);
            }
            String number = text.substring(end + 1);
            try {
                double strength = Double.parseDouble(number);
                LoraFile.requireStrength(strength);
                return new Choice(ModelSource.parse("lora", text.substring(0, end)), strength);
            } catch (NumberFormatException e) {
                throw new InvalidRequestException(
                        Location.ofField("lora"),
                        "'%s' ends in =%s, which is no number; write FILE=STRENGTH, such as style.safetensors=0.8"
                                .formatted(text, number),
                        e);
            }
        }

        /// Index of the `=` before a strength, or -1 where there is none: a name that has one in it is a file's, if
        /// there is such a file.
        private static int strengthAt(String text) {
            int end = text.lastIndexOf('=');
            boolean strength =
                    end > 0 && NUMBER.matcher(text.substring(end + 1)).matches() && Files.notExists(Path.of(text));
            return strength ? end : -1;
        }
    }

    /// Options that encode and decode images in tiles.
    static final class TilingOptions {

        @Option(
                names = "--tiled",
                description = "Encode and decode images in tiles, which takes less memory and changes them a little. "
                        + "Without it those above 2048 x 2048 pixels are.")
        private boolean tiled;

        @Option(
                names = "--tile_size",
                paramLabel = "PIXELS",
                description = "Side of a tile, a multiple of 16; memory grows with its square. Default: 512.")
        private @Nullable Integer size;

        @Option(
                names = "--tile_stride",
                paramLabel = "PIXELS",
                description = "From one tile to the next, at most its side; neighbours are blended where they overlap. "
                        + "Default: about three quarters of the side.")
        private @Nullable Integer stride;

        /// @throws InvalidRequestException naming the option that cannot be used
        LoadOptions apply(LoadOptions load) {
            if (!tiled) {
                refuse("tile_size", size);
                refuse("tile_stride", stride);
                return load;
            }
            int side = size == null ? Tiling.standard().tilePixels() : size;
            return load.withTiling(
                    VaeTiling.always(Tiling.withStride(side, stride == null ? usualStride(side) : stride)));
        }

        /// A multiple of 16, as the side is, and less than it where there is room for that.
        private static int usualStride(int side) {
            return Math.max(1, side / 16 * 3 / 4) * 16;
        }

        private static void refuse(String option, @Nullable Integer value) {
            if (value != null) {
                throw new InvalidRequestException(option, "needs --tiled: without it there are no tiles to measure");
            }
        }
    }
}
