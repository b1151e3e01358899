package io.stencil.cli.models;

import io.stencil.hub.HubSettings;
import io.stencil.hub.RemoteCode;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// Options of every command that names models: the hub, authentication, and consent to code.
public final class HubOptions {

    private static final Map<String, String> ENVIRONMENT = System.getenv();
    private static final Path HOME = Path.of(System.getProperty("user.home"));

    @Spec(Spec.Target.MIXEE)
    @SuppressWarnings("NullAway.Init") // set by picocli before a command runs
    private CommandSpec command;

    @Option(
            names = "--hub",
            paramLabel = "NAME",
            description =
                    "modelscope, modelscope-ai or huggingface. Default: $DIFFSYNTH_DOWNLOAD_SOURCE, or modelscope.")
    private @Nullable String hub;

    @Option(
            names = "--model_base_path",
            paramLabel = "DIR",
            description = "Where fetched models lie. Default: $DIFFSYNTH_MODEL_BASE_PATH, or ~/.cache/stencil/models.")
    private @Nullable Path base;

    @Option(
            names = "--hub_token_file",
            paramLabel = "FILE",
            description = "Holds the hub's token. Default: $MODELSCOPE_API_TOKEN or $HF_TOKEN.")
    private @Nullable Path tokenFile;

    @Option(names = "--offline", description = "Fetch nothing; use local files and list what is missing.")
    private boolean offline;

    @Option(names = "--trust_remote_code", description = "Run code that comes from the hub, after you have read it.")
    private boolean trust;

    @Option(
            names = "--trusted_code_hash",
            paramLabel = "SHA256",
            description = "Run this code, though other code of its name was trusted before.")
    private @Nullable String trustedHash;

    /// @throws io.stencil.error.InvalidRequestException naming an option or variable that cannot be used
    public HubSettings settings() {
        return HubSettings.of(choices(), ENVIRONMENT, HOME);
    }

    private HubSettings.Choices choices() {
        return new HubSettings.Choices(hub, tokenFile, base, offline);
    }

    /// Opens the models of the hub, which connect to it at the first request and report to the command's error output.
    public HubModels open() {
        return open(this::settings);
    }

    /// Opens the models of the hub without those that were fetched before.
    ///
    /// @param place an empty folder for the models
    public HubModels openEmpty(Path place) {
        return open(() -> settings().withEmptyFolder(place));
    }

    private HubModels open(Supplier<HubSettings> settings) {
        return new HubModels(
                settings,
                () -> HubSettings.roots(choices(), ENVIRONMENT, HOME),
                new RemoteCode.Store(HubSettings.configuration(ENVIRONMENT, HOME)),
                new RemoteCode.Consent(trust, trustedHash),
                command.commandLine().getErr());
    }
}
