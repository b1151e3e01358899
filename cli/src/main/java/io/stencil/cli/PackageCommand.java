package io.stencil.cli;

import io.stencil.cli.models.BaseModelOptions;
import io.stencil.cli.models.BaseModelOptions.BaseModel;
import io.stencil.cli.models.HubModels;
import io.stencil.cli.models.HubOptions;
import io.stencil.cli.models.TemplateOptions;
import io.stencil.error.InvalidRequestException;
import io.stencil.hub.ModelSource;
import io.stencil.hub.ModelSource.Located;
import io.stencil.hub.download.Snapshot;
import io.stencil.hub.upload.Sha256Sums;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.TemplateInput;
import io.stencil.template.load.TemplateFolder;
import io.stencil.template.publish.TemplatePackager;
import io.stencil.train.options.TrainingArguments;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `stencil package`: a trained Template made whole and proven, ready for others.
@Command(name = "package", description = "Merge a trained Template into a folder that can be published.")
@SuppressWarnings("NullAway.Init") // fields are set by picocli before a command runs
final class PackageCommand implements Callable<Integer> {

    private static final long MEGABYTE = 1_000_000;

    /// Denoising steps of the sample images, as many as `stencil generate` makes.
    private static final int STEPS = 30;

    @Mixin
    private BaseModelOptions base;

    @Mixin
    private SampleOptions sample;

    @Mixin
    private HubOptions hub;

    @Option(
            names = "--template_model_id_or_path",
            paramLabel = "DIR|ID:",
            required = true,
            description = "The Template that was trained.")
    private String template;

    @Option(
            names = "--checkpoint",
            paramLabel = "FILE|ID:FILE",
            split = ",",
            description =
                    "Weights that its training wrote; several, with commas between, for parts that were trained apart. Default: the weights in its folder.")
    private List<String> checkpoints = List.of();

    @Option(names = "--output_path", paramLabel = "DIR", required = true, description = "The folder that is made.")
    private Path output;

    @Option(
            names = "--max_shard_megabytes",
            paramLabel = "N",
            description = "Larger weights are written in several files. Default: ${DEFAULT-VALUE}.")
    private int maxShardMegabytes = 5000;

    @Option(
            names = "--base_model_id",
            paramLabel = "ID",
            description = "Of the base model, for the card. Default: that of the hub that it was fetched from.")
    private @Nullable String baseModelId;

    @Option(names = "--license", paramLabel = "TEXT", description = "For the card.")
    private @Nullable String license;

    @Spec
    private CommandSpec command;

    @Override
    public Integer call() {
        PrintWriter err = command.commandLine().getErr();
        OutputCheck.requireFolder("output_path", output);
        if (maxShardMegabytes < 1) {
            throw new InvalidRequestException("max_shard_megabytes", "must be at least 1, found " + maxShardMegabytes);
        }
        LoadOptions load = base.load();
        GenerationRequest generation = sample.request(STEPS);
        List<TemplateInput> inputs = sample.inputs();
        TemplateOptions.checkLocal(template);
        TemplatePackager.requireFree(output);
        List<ModelSource> checkpointSources = checkpoints.stream()
                .map(text -> ModelSource.parse("checkpoint", text))
                .toList();
        checkpointSources.forEach(source -> source.local().ifPresent(Located::file));
        BaseModel _ = base.checkLocal();
        TemplatePackager.Request request;
        ModelFiles files;
        try (HubModels remote = hub.open()) {
            TemplateFolder trained = TemplateOptions.resolve(template, remote);
            List<Path> weights = checkpointSources.stream()
                    .map(source -> source.resolve(remote).file())
                    .toList();
            files = base.resolve(remote).files();
            request = new TemplatePackager.Request(
                    trained.folder(),
                    trained.trustedCode(),
                    weights,
                    output,
                    maxShardMegabytes * MEGABYTE,
                    generation,
                    inputs,
                    card(files, weights));
        }
        new TemplatePackager(request, err::println).run(Flux2Pipeline.load(files, load), Sha256Sums::write);
        command.commandLine().getOut().println("wrote " + output);
        return 0;
    }

    private TemplatePackager.Card card(ModelFiles files, List<Path> weights) {
        Map<String, String> training = new TreeMap<>();
        weights.forEach(checkpoint -> training.putAll(TrainingArguments.changed(checkpoint)));
        return new TemplatePackager.Card(
                folderName(files), baseModelId == null ? fetchedAs(files) : baseModelId, license, training);
    }

    /// The name of the base model's folder, and nothing of where it lies.
    private static @Nullable String folderName(ModelFiles files) {
        Path file = files.parts().getFirst().getFirst().toAbsolutePath().normalize();
        Path folder = file.getParent();
        while (folder != null && Stream.of("transformer", "vae", "text_encoder").anyMatch(folder::endsWith)) {
            folder = folder.getParent();
        }
        Path name = folder == null ? null : folder.getFileName();
        return name == null ? null : name.toString();
    }

    /// The ID of the base model, where it came from a hub.
    private static @Nullable String fetchedAs(ModelFiles files) {
        return files.parts().stream()
                .flatMap(List::stream)
                .flatMap(file -> Snapshot.around(file).stream())
                .map(snapshot -> snapshot.repository().id().toString())
                .findFirst()
                .orElse(null);
    }
}
