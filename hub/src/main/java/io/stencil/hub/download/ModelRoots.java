package io.stencil.hub.download;

import io.stencil.files.FetchedFolder;
import io.stencil.hub.provider.HubKind;
import io.stencil.hub.provider.Repository;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// Folders with models of hubs on this machine. Files in them are third-party also without a record, as other tools
/// put models there too.
///
/// @param base folder of models as `OWNER/NAME`
/// @param cache of Hugging Face's own tools: `HF_HUB_CACHE`, or its default
public record ModelRoots(Path base, Path cache) {

    /// Finds the root above a file or folder, by its own path or when links are followed.
    ///
    /// @throws io.stencil.error.InvalidFileException when the links cannot be followed
    public Optional<Path> above(Path path) {
        return List.of(base, cache).stream()
                .filter(root -> !inside(root, path).isEmpty())
                .findFirst();
    }

    /// Finds the snapshot of a folder under the base by its place; empty where that is not a repository's.
    ///
    /// @param hub assumed origin
    public Optional<Snapshot> snapshot(Path folder, HubKind hub, URI site) {
        for (Path inside : inside(base, folder)) {
            if (inside.getNameCount() >= 2) {
                String[] name = inside.getName(1).toString().split("@", 2);
                if (Repository.Id.matches(inside.getName(0) + "/" + name[0])) {
                    Repository repository = new Repository(
                            hub, site, new Repository.Id(inside.getName(0).toString(), name[0]));
                    String revision = name.length == 1 ? hub.defaultRevision() : name[1].replace("%2F", "/");
                    return Optional.of(
                            new Snapshot(repository, revision, null, base.resolve(inside.subpath(0, 2)), List.of()));
                }
            }
        }
        return Optional.empty();
    }

    /// Relative paths from a root to a path in it; none for one outside.
    private static List<Path> inside(Path root, Path path) {
        try {
            List<Path> roots = List.copyOf(FetchedFolder.places(root));
            return FetchedFolder.places(path).stream()
                    .flatMap(place -> roots.stream().filter(place::startsWith).map(above -> above.relativize(place)))
                    .toList();
        } catch (IOException e) {
            throw ModelFolder.unreadable(path, e);
        }
    }
}
