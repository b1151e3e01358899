package io.stencil.hub.fetch;

import io.stencil.files.FetchedFolder;
import io.stencil.hub.protocol.HubKind;
import io.stencil.hub.protocol.Repository;
import io.stencil.hub.protocol.RepositoryId;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// Where models of hubs lie on this machine. What lies there is others' work also where no record tells it: other tools
/// put models there too.
///
/// @param base folder under which models lie as `OWNER/NAME`
/// @param cache of Hugging Face's own tools
public record ModelRoots(Path base, HuggingFaceCache cache) {

    /// The one of the two that a file or folder lies under, by its own path or when links are followed.
    ///
    /// @throws io.stencil.error.InvalidFileException when the links cannot be followed
    public Optional<Path> above(Path path) {
        return List.of(base, cache.root()).stream()
                .filter(root -> !inside(root, path).isEmpty())
                .findFirst();
    }

    /// As what a folder under the base would have been fetched; empty where its place is not that of a repository.
    ///
    /// @param hub which is taken for the one that it is of
    public Optional<Snapshot> snapshot(Path folder, HubKind hub, URI site) {
        for (Path inside : inside(base, folder)) {
            if (inside.getNameCount() >= 2) {
                String[] name = inside.getName(1).toString().split("@", 2);
                if (RepositoryId.matches(inside.getName(0) + "/" + name[0])) {
                    Repository repository = new Repository(
                            hub, site, new RepositoryId(inside.getName(0).toString(), name[0]));
                    String revision = name.length == 1 ? hub.defaultRevision() : name[1].replace("%2F", "/");
                    return Optional.of(
                            new Snapshot(repository, revision, null, base.resolve(inside.subpath(0, 2)), List.of()));
                }
            }
        }
        return Optional.empty();
    }

    /// The ways from a root to what lies in it; none where it does not.
    private static List<Path> inside(Path root, Path path) {
        try {
            List<Path> roots = List.copyOf(FetchedFolder.places(root));
            return FetchedFolder.places(path).stream()
                    .flatMap(place -> roots.stream().filter(place::startsWith).map(above -> above.relativize(place)))
                    .toList();
        } catch (IOException e) {
            throw ModelPlace.unreadable(path, e);
        }
    }
}
