package io.stencil.hub;

import io.stencil.error.InvalidFileException;
import io.stencil.hub.download.Fetcher;
import io.stencil.hub.provider.HubReference;
import io.stencil.hub.provider.Repository;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// Source of a model: the disk, or a hub.
///
/// ```java
/// try (Hub hub = Hub.fromEnvironment()) {
///     ModelFiles klein = ModelFiles.in(ModelSource.hub("black-forest-labs/FLUX.2-klein-base-4B", "").folder(hub));
///     List<Path> vae = ModelSource.hub("org/model", "vae/*.safetensors").files(hub);
/// }
/// ```
public sealed interface ModelSource {

    record Local(Path path) implements ModelSource {}

    record OfHub(HubReference reference) implements ModelSource {}

    static ModelSource local(Path path) {
        return new Local(path);
    }

    /// @param id `OWNER/NAME`, or `OWNER/NAME@REVISION`
    /// @param pattern glob inside the repository, a folder, or empty for all
    /// @throws io.stencil.error.InvalidRequestException when `id` has another form
    static ModelSource hub(String id, String pattern) {
        HubReference repository = HubReference.parse("model", id);
        return new OfHub(new HubReference(
                new Repository.Id(repository.id().owner(), repository.id().name()), repository.revision(), pattern));
    }

    /// Lists the files, after fetching those of a hub.
    ///
    /// @throws io.stencil.error.StencilException naming a file that does not exist or cannot be fetched
    default List<Path> files(Hub hub) {
        return switch (this) {
            case Local(Path path) -> {
                if (Files.notExists(path)) {
                    throw new InvalidFileException(path, "does not exist");
                }
                yield List.of(path);
            }
            case OfHub(HubReference reference) ->
                hub.fetch(reference, Fetcher.Listener.NONE).files();
        };
    }

    /// Returns the folder of the model: that of the whole repository for one of a hub.
    ///
    /// A Template's folder from a hub may contain code, which is loaded only with its hash: name the hash of code
    /// that you have read, or [RemoteCode#requireTrusted][io.stencil.hub.trust.RemoteCode#requireTrusted] returns the
    /// trusted ones.
    default Path folder(Hub hub) {
        return switch (this) {
            case Local(Path path) -> path;
            case OfHub(HubReference reference) ->
                hub.fetch(reference, Fetcher.Listener.NONE).folder();
        };
    }
}
