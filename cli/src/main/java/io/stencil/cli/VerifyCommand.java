package io.stencil.cli;

import io.stencil.cli.models.BaseModelOptions;
import io.stencil.cli.models.BaseModelOptions.BaseModel;
import io.stencil.cli.models.HubModels;
import io.stencil.cli.models.HubOptions;
import io.stencil.cli.models.TemplateOptions;
import io.stencil.error.HubException;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.files.AtomicFolder;
import io.stencil.files.LocalPath;
import io.stencil.hub.download.Snapshot;
import io.stencil.hub.provider.HubReference;
import io.stencil.hub.upload.Sha256Sums;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageWriter;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.template.TemplateInput;
import io.stencil.template.load.TemplateFolder;
import io.stencil.template.load.TrustedCode;
import io.stencil.template.pipeline.TemplatePipeline;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `stencil verify`: proves that what was published works for someone who has nothing of it.
@Command(
        name = "verify",
        description =
                "Fetch a published Template into an empty place, or take a packaged one from a folder, check its SHA256SUMS and generate with it.")
@SuppressWarnings("NullAway.Init") // fields are set by picocli before a command runs
final class VerifyCommand implements Callable<Integer> {

    /// Denoising steps of an image that is a proof.
    private static final int STEPS = 8;

    @Parameters(
            paramLabel = "ID",
            description = "OWNER/NAME, or OWNER/NAME@REVISION, or a folder that 'stencil package' wrote.")
    private String id;

    @Mixin
    private BaseModelOptions base;

    @Mixin
    private SampleOptions sample;

    @Mixin
    private HubOptions hub;

    @Option(names = "--output", paramLabel = "FILE.png", description = "Keep the image.")
    private @Nullable Path output;

    @Spec
    private CommandSpec command;

    @Override
    public Integer call() {
        Optional<Path> local = local();
        HubReference reference = local.isPresent() ? null : HubReference.parse("ID", id);
        if (output != null) {
            OutputCheck.requireFile("output", output, ".png");
        }
        Trial trial = new Trial(sample.request(STEPS), sample.inputs().subList(0, 1), base.load());
        BaseModel _ = base.checkLocal();
        try {
            String line = reference == null ? verify(local.orElseThrow(), trial) : verify(reference, trial);
            command.commandLine().getOut().println(line);
        } catch (IOException e) {
            throw new InvalidFileException(Location.ofField("verify"), "the disk cannot be used: " + e, e);
        }
        return 0;
    }

    /// Generation that proves the Template.
    private record Trial(GenerationRequest request, List<TemplateInput> inputs, LoadOptions load) {}

    /// Returns the folder of that name, which takes precedence over a repository.
    ///
    /// @throws InvalidRequestException for a path that does not exist
    private Optional<Path> local() {
        if (id.isBlank()) {
            throw new InvalidRequestException("ID", "is empty; expected OWNER/NAME or a folder");
        }
        Path folder = LocalPath.of(Location.ofField("ID"), id);
        if (Files.isDirectory(folder)) {
            return Optional.of(folder);
        }
        if (id.startsWith("/") || id.startsWith(".")) {
            throw new InvalidRequestException("ID", "'%s' is not a directory".formatted(id));
        }
        return Optional.empty();
    }

    /// Verifies a local folder; only base models that are named by a hub are fetched.
    private String verify(Path local, Trial trial) throws IOException {
        int sums = Sha256Sums.requireComplete(local).size();
        try (HubModels here = hub.open()) {
            RgbImage image = generate(new TemplateFolder(local, here.trusted(null, local)), here, trial);
            return "verified %s: %s checksums, an image of %s".formatted(local, sums, image.size());
        }
    }

    private String verify(HubReference reference, Trial trial) throws IOException {
        try (AtomicFolder.Temporary empty = AtomicFolder.Temporary.create("stencil-verify");
                HubModels here = hub.open();
                HubModels elsewhere = hub.openEmpty(empty.path())) {
            Snapshot snapshot = elsewhere.fetch(reference);
            int sums = Sha256Sums.requireComplete(snapshot).size();
            RgbImage image = generate(
                    new TemplateFolder(snapshot.folder(), trusted(elsewhere, snapshot, reference)), here, trial);
            return "verified %s at %s: %s files, %s checksums, an image of %s"
                    .formatted(
                            snapshot.repository(),
                            snapshot.commit() == null ? snapshot.revision() : snapshot.commit(),
                            snapshot.files().size(),
                            sums,
                            image.size());
        }
    }

    /// Names the command that fetches refused code for reading: its present folder is temporary.
    private static TrustedCode trusted(HubModels models, Snapshot snapshot, HubReference reference) {
        try {
            return models.trusted(snapshot, snapshot.folder());
        } catch (HubException e) {
            throw new HubException(
                    snapshot.repository().toString(),
                    null,
                    "%s ('stencil fetch %s' brings it to where it can be read)".formatted(e.what(), reference),
                    e);
        }
    }

    private RgbImage generate(TemplateFolder folder, HubModels here, Trial trial) throws IOException {
        TemplateOptions.Steering steering = new TemplateOptions.Steering(
                List.of(folder), TemplatePipeline.Loading.EAGER, trial.inputs(), List.of());
        PrintWriter err = command.commandLine().getErr();
        try (TemplatePipeline pipeline = steering.pipeline(
                Flux2Pipeline.load(base.resolve(here).files(), trial.load()),
                warning -> err.println("stencil: warning: " + warning))) {
            RgbImage image = pipeline.generate(trial.request(), trial.inputs()).image();
            if (output != null) {
                RgbImageWriter.write(image, output);
            }
            return image;
        }
    }
}
