package io.stencil.hub;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.files.LocalPath;
import io.stencil.hub.download.Fetcher;
import io.stencil.hub.download.ModelRoots;
import io.stencil.hub.http.Credentials;
import io.stencil.hub.http.HttpSettings;
import io.stencil.hub.http.Proxies;
import io.stencil.hub.http.Token;
import io.stencil.hub.provider.HubKind;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Hub, authentication, local folders and requests.
///
/// @param site address of the hub
/// @param token null for public repositories only
/// @param offline use files on the disk, without requests
public record HubSettings(
        HubKind hub,
        URI site,
        @Nullable Token token,
        ModelRoots roots,
        boolean offline,
        Fetcher.Settings fetch,
        HttpSettings http) {

    /// Options that override the environment where they are not null.
    ///
    /// @param hub name of a hub
    /// @param tokenFile file with the token
    /// @param base folder of models
    public record Choices(
            @Nullable String hub,
            @Nullable Path tokenFile,
            @Nullable Path base,
            boolean offline) {

        public static final Choices NONE = new Choices(null, null, null, false);
    }

    /// Reads the environment: `DIFFSYNTH_DOWNLOAD_SOURCE`, `MODELSCOPE_ENDPOINT`, `HF_ENDPOINT`,
    /// `MODELSCOPE_API_TOKEN`, `HF_TOKEN`, `DIFFSYNTH_MODEL_BASE_PATH`, `DIFFSYNTH_SKIP_DOWNLOAD`, `HF_HUB_OFFLINE`,
    /// `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, and the variables for folders of Hugging Face's tools.
    ///
    /// @param home directory of the user
    /// @throws InvalidRequestException naming an invalid variable or option
    public static HubSettings of(Choices choices, Map<String, String> environment, Path home) {
        HubKind hub = choices.hub() != null
                ? HubKind.parse("hub", choices.hub())
                : value(environment, "DIFFSYNTH_DOWNLOAD_SOURCE")
                        .map(name -> HubKind.parse("DIFFSYNTH_DOWNLOAD_SOURCE", name))
                        .orElse(HubKind.MODELSCOPE);
        URI site = site(hub, environment);
        Token token = token(hub, choices, environment, home);
        requireSecret(site, token);
        boolean offline = choices.offline()
                || flag(environment, "DIFFSYNTH_SKIP_DOWNLOAD")
                || flag(environment, "HF_HUB_OFFLINE");
        return new HubSettings(
                hub,
                site,
                token,
                roots(choices, environment, home),
                offline,
                Fetcher.Settings.DEFAULT,
                offline ? HttpSettings.DEFAULT : HttpSettings.DEFAULT.withProxies(Proxies.of(environment)));
    }

    /// Replaces the folder of models by an empty one, also without Hugging Face's cache.
    ///
    /// @throws InvalidRequestException when offline
    public HubSettings withEmptyFolder(Path folder) {
        if (offline) {
            throw new InvalidRequestException("offline", "cannot be, where all is to be fetched anew; leave it out");
        }
        return new HubSettings(
                hub, site, token, new ModelRoots(folder, folder.resolve(".no-cache")), false, fetch, http);
    }

    /// Refuses a token over plain HTTP, which everybody on the way can read.
    private static void requireSecret(URI site, @Nullable Token token) {
        boolean open = "http".equals(site.getScheme()) && !Credentials.isLoopback(site);
        if (token != null && open) {
            throw new InvalidRequestException(
                    "hub", "%s is plain HTTP, over which no token is sent; use https, or no token".formatted(site));
        }
    }

    private static URI site(HubKind hub, Map<String, String> environment) {
        return switch (hub) {
            case MODELSCOPE -> endpoint(environment, "MODELSCOPE_ENDPOINT").orElse(hub.site());
            case MODELSCOPE_INTERNATIONAL -> hub.site();
            case HUGGING_FACE -> endpoint(environment, "HF_ENDPOINT").orElse(hub.site());
        };
    }

    private static Optional<URI> endpoint(Map<String, String> environment, String variable) {
        return value(environment, variable).map(text -> {
            String full = (text.contains("://") ? text : "https://" + text).replaceFirst("/+$", "");
            try {
                URI uri = URI.create(full);
                boolean web = "https".equals(uri.getScheme()) || "http".equals(uri.getScheme());
                if (web && uri.getHost() != null && uri.getUserInfo() == null && uri.getQuery() == null) {
                    return uri;
                }
            } catch (IllegalArgumentException e) {
                throw new InvalidRequestException(Location.ofField(variable), "is not the URL of a hub", e);
            }
            throw new InvalidRequestException(
                    variable, "is not the URL of a hub; expected such as https://huggingface.co");
        });
    }

    private static @Nullable Token token(HubKind hub, Choices choices, Map<String, String> environment, Path home) {
        if (choices.tokenFile() != null) {
            return Token.read(choices.tokenFile());
        }
        Optional<String> own = value(environment, hub.tokenVariable());
        if (own.isPresent()) {
            return Token.of(hub.tokenVariable(), own.get());
        }
        if (hub != HubKind.HUGGING_FACE) {
            return null;
        }
        Path file = path(environment, "HF_TOKEN_PATH")
                .orElse(huggingFaceHome(environment, home).resolve("token"));
        return Files.isRegularFile(file) ? Token.read(file) : null;
    }

    private static Path huggingFaceHome(Map<String, String> environment, Path home) {
        return path(environment, "HF_HOME").orElse(userCache(environment, home).resolve("huggingface"));
    }

    /// Reads the folders of models from the environment, for any hub.
    ///
    /// @throws InvalidRequestException naming an invalid variable
    public static ModelRoots roots(Choices choices, Map<String, String> environment, Path home) {
        return new ModelRoots(
                base(choices, environment, home),
                path(environment, "HF_HUB_CACHE")
                        .orElse(huggingFaceHome(environment, home).resolve("hub")));
    }

    private static Path base(Choices choices, Map<String, String> environment, Path home) {
        if (choices.base() != null) {
            return choices.base();
        }
        return path(environment, "DIFFSYNTH_MODEL_BASE_PATH")
                .orElse(userCache(environment, home).resolve("stencil/models"));
    }

    private static Path userCache(Map<String, String> environment, Path home) {
        return path(environment, "XDG_CACHE_HOME").orElse(home.resolve(".cache"));
    }

    /// Returns the folder with the records of trusted code: `STENCIL_CONFIG_HOME`, or `stencil` in the user's
    /// configuration folder.
    public static Path configuration(Map<String, String> environment, Path home) {
        return path(environment, "STENCIL_CONFIG_HOME")
                .orElseGet(() -> path(environment, "XDG_CONFIG_HOME")
                        .orElse(home.resolve(".config"))
                        .resolve("stencil"));
    }

    private static Optional<String> value(Map<String, String> environment, String variable) {
        return Optional.of(Objects.requireNonNullElse(environment.get(variable), "")
                        .strip())
                .filter(text -> !text.isEmpty());
    }

    private static Optional<Path> path(Map<String, String> environment, String variable) {
        return value(environment, variable).map(text -> {
            try {
                return Path.of(text);
            } catch (InvalidPathException e) {
                throw new InvalidRequestException(
                        Location.ofField(variable), "'%s' is not a path: %s".formatted(text, LocalPath.reason(e)), e);
            }
        });
    }

    private static boolean flag(Map<String, String> environment, String variable) {
        return value(environment, variable)
                .map(text -> {
                    if (text.matches("(?i)1|true|yes|on")) {
                        return true;
                    }
                    if (text.matches("(?i)0|false|no|off")) {
                        return false;
                    }
                    throw new InvalidRequestException(variable, "must be true or false, found '%s'".formatted(text));
                })
                .orElse(false);
    }
}
