package io.stencil.hub;

import io.stencil.error.InvalidFileException;
import io.stencil.hub.fetch.FetchListener;
import io.stencil.hub.fetch.Snapshot;
import io.stencil.hub.protocol.HubReference;
import io.stencil.hub.protocol.RepositoryId;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// Where a model comes from: the disk, or a hub.
///
/// ```java
/// try (Hub hub = Hub.fromEnvironment()) {
///     ModelFiles klein = ModelFiles.in(ModelSource.hub("black-forest-labs/FLUX.2-klein-base-4B", "").folder(hub));
///     List<Path> vae = ModelSource.hub("org/model", "vae/*.safetensors").files(hub);
/// }
/// ```
public sealed interface ModelSource {

    /// A file or folder of this machine.
    record Local(Path path) implements ModelSource {}

    /// Files of a repository.
    record OfHub(HubReference reference) implements ModelSource {}

    static ModelSource local(Path path) {
        return new Local(path);
    }

    /// @param id `OWNER/NAME`, or `OWNER/NAME@REVISION`
    /// @param pattern glob inside the repository, a folder, or empty for all
    /// @throws io.stencil.error.InvalidRequestException when `id` is none
    static ModelSource hub(String id, String pattern) {
        HubReference repository = HubReference.parse("model", id);
        return new OfHub(new HubReference(
                new RepositoryId(repository.id().owner(), repository.id().name()), repository.revision(), pattern));
    }

    /// The files that are meant, fetched where they are not here.
    ///
    /// @throws io.stencil.error.StencilException naming what cannot be had, and why
    default List<Path> files(Hub hub) {
        return switch (this) {
            case Local(Path path) -> {
                if (Files.notExists(path)) {
                    throw new InvalidFileException(path, "does not exist");
                }
                yield List.of(path);
            }
            case OfHub(HubReference reference) ->
                hub.fetch(reference, FetchListener.NONE).files();
        };
    }

    /// The folder of the model: of the whole repository, where it comes from a hub.
    ///
    /// A Template's folder from a hub may hold code, which is loaded only with its hash: name the one that you read, or
    /// ask [RemoteCode][io.stencil.hub.trust.RemoteCode] for those that are trusted.
    default Path folder(Hub hub) {
        return switch (this) {
            case Local(Path path) -> path;
            case OfHub(HubReference reference) -> {
                Snapshot snapshot = hub.fetch(reference, FetchListener.NONE);
                yield snapshot.folder();
            }
        };
    }
}
