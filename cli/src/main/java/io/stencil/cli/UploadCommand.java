package io.stencil.cli;

import io.stencil.cli.models.HubOptions;
import io.stencil.error.InvalidRequestException;
import io.stencil.files.ByteText;
import io.stencil.hub.Hub;
import io.stencil.hub.HubSettings;
import io.stencil.hub.provider.HubReference;
import io.stencil.hub.upload.UploadPlan;
import io.stencil.hub.upload.Uploader;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `stencil upload`: publishes a packaged Template. What the hub has already is not sent again.
@Command(name = "upload", description = "Publish a folder that 'stencil package' wrote.")
@SuppressWarnings("NullAway.Init") // fields are set by picocli before a command runs
final class UploadCommand implements Callable<Integer> {

    @Parameters(index = "0", paramLabel = "ID", description = "OWNER/NAME, or OWNER/NAME@BRANCH.")
    private String id;

    @Parameters(index = "1", paramLabel = "DIR", description = "The folder.")
    private Path folder;

    @Option(names = "--public", description = "Make a new repository that all can see. Default: its owner alone.")
    private boolean isPublic;

    @Option(names = "--license", paramLabel = "TEXT", description = "Of a new repository, as the hub names it.")
    private @Nullable String license;

    @Option(names = "--message", paramLabel = "TEXT", description = "Of the commit. Default: ${DEFAULT-VALUE}.")
    private String message = "Upload a Stencil Template";

    @Option(
            names = "--dry_run",
            description = "Print what would be sent, and send nothing. Without a token or offline: all files.")
    private boolean dryRun;

    @Mixin
    private HubOptions hub;

    @Spec
    private CommandSpec command;

    @Override
    public Integer call() {
        PrintWriter out = command.commandLine().getOut();
        PrintWriter err = command.commandLine().getErr();
        HubReference reference = HubReference.parse("ID", id);
        HubSettings settings = hub.settings();
        String obstacle = obstacle(settings);
        if (obstacle != null && !dryRun) {
            throw new InvalidRequestException("upload", obstacle);
        }
        try (Hub open = Hub.open(settings)) {
            UploadPlan plan = new UploadPlan(
                    open.repository(reference.id()),
                    open.revision(reference),
                    folder,
                    message,
                    !isPublic,
                    license,
                    dryRun);
            Uploader.Result result = obstacle == null ? open.upload(plan, new Report(err)) : open.preview(plan);
            if (obstacle != null) {
                err.println("stencil: warning: the files at the hub are not known: upload " + obstacle);
            }
            String would = dryRun ? "would " : "";
            plan.leftOut().forEach(name -> err.println("left out: " + name));
            result.others()
                    .forEach(name -> err.println(
                            "stencil: warning: %s holds %s too, which is not in %s; whoever fetches gets both, so remove it there if it is of an older package"
                                    .formatted(plan.repository(), name, folder)));
            if (result.created()) {
                out.println("%smake the repository %s, %s"
                        .formatted(would, plan.repository(), isPublic ? "public" : "private"));
            }
            result.changed().forEach(name -> out.println("%ssend %s".formatted(would, name)));
            out.println("%s: %s files (%s) %s, %s as they were"
                    .formatted(
                            plan.repository(),
                            result.changed().size(),
                            ByteText.of(result.bytes()),
                            dryRun ? "to be sent" : "sent",
                            result.unchanged().size()));
        }
        out.flush();
        return 0;
    }

    /// Returns the reason not to send requests to the hub; null where there is none.
    private static @Nullable String obstacle(HubSettings settings) {
        if (settings.offline()) {
            return "cannot be done offline";
        }
        return settings.token() != null
                ? null
                : "needs a token: set %s, or name a file with --hub_token_file"
                        .formatted(settings.hub().tokenVariable());
    }

    /// Reports large files.
    private record Report(PrintWriter err) implements Uploader.Listener {

        @Override
        public void onSending(String path, long bytes) {
            err.println("sending %s (%s)".formatted(path, ByteText.of(bytes)));
        }

        @Override
        public void onThere(String path, long bytes, boolean sent) {
            if (!sent) {
                err.println("%s is there already".formatted(path));
            }
        }
    }
}
