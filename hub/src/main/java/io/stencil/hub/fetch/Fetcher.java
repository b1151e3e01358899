package io.stencil.hub.fetch;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.hub.http.HubHttp;
import io.stencil.hub.protocol.Checksum;
import io.stencil.hub.protocol.HubProtocol;
import io.stencil.hub.protocol.Listing;
import io.stencil.hub.protocol.RemoteFile;
import io.stencil.hub.protocol.Repository;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Brings files of repositories to the disk, or finds them there.
///
/// @param base folder under which repositories lie
/// @param cache of Hugging Face's own tools
public record Fetcher(HubProtocol protocol, HubHttp http, FetchSettings settings, Path base, HuggingFaceCache cache) {

    /// Asks the hub and fetches what is not there, or not right.
    ///
    /// @param pattern glob inside the repository, a folder, or empty for all
    /// @throws io.stencil.error.StencilException naming repository, file and cause
    public Snapshot fetch(Repository repository, String revision, String pattern, FetchListener listener) {
        Listing listing = protocol.list(repository, revision, http);
        Choice choice = Choice.of(repository, listing, pattern);
        ModelPlace place = ModelPlace.of(base, repository, revision);
        place.keep(repository, listing);
        Progress progress = new Progress(repository, choice.all().size(), choice.bytes(), listener);
        String source = listing.commit() == null ? revision : listing.commit();
        try (RangePool pool = new RangePool(settings.connections())) {
            requireSpace(repository, place, choice);
            Work work = new Work(repository, source, place, pool, progress, listener);
            pool.all(choice.all().stream()
                    .<Runnable>map(file -> () -> work.bring(file))
                    .toList());
        }
        listener.onEnd();
        return snapshot(repository, listing, place, choice);
    }

    /// Takes what is on the disk and asks nobody.
    ///
    /// @throws io.stencil.error.HubException naming what is missing
    public Snapshot find(Repository repository, String revision, String pattern) {
        ModelPlace place = ModelPlace.of(base, repository, revision);
        try {
            Listing listing = place.kept()
                    .or(() -> cached(repository, revision))
                    .orElseGet(() -> LocalListing.of(place.folder(), revision));
            if (listing.files().isEmpty()) {
                throw repository
                        .subject()
                        .fault("is not in %s, and nothing is fetched when offline".formatted(place.folder()));
            }
            Choice choice = Choice.of(repository, listing, pattern);
            List<String> missing = new ArrayList<>();
            for (RemoteFile file : choice.all()) {
                place.requireNoLinks(repository, file.path());
                Path target = place.file(file.path());
                boolean there = Files.isRegularFile(target) && Files.size(target) == file.size();
                if (!there && !cache.adopt(repository, file, target)) {
                    missing.add(file.path());
                }
            }
            if (!missing.isEmpty()) {
                throw repository
                        .subject()
                        .fault("%d of %d files are not in %s, and nothing is fetched when offline: %s"
                                .formatted(missing.size(), choice.all().size(), place.folder(), NameList.of(missing)));
            }
            return snapshot(repository, listing, place, choice);
        } catch (IOException e) {
            throw ModelPlace.unreadable(place.folder(), e);
        }
    }

    private java.util.Optional<Listing> cached(Repository repository, String revision) {
        try {
            return cache.listing(repository, revision);
        } catch (IOException e) {
            throw ModelPlace.unreadable(cache.root(), e);
        }
    }

    private static Snapshot snapshot(Repository repository, Listing listing, ModelPlace place, Choice choice) {
        List<Path> files =
                choice.chosen().stream().map(file -> place.file(file.path())).toList();
        return new Snapshot(repository, listing.revision(), listing.commit(), place.folder(), files);
    }

    private static void requireSpace(Repository repository, ModelPlace place, Choice choice) {
        try {
            long needed = 0;
            for (RemoteFile file : choice.all()) {
                Path target = place.file(file.path());
                needed += Files.isRegularFile(target) && Files.size(target) == file.size() ? 0 : file.size();
            }
            long free = Files.getFileStore(place.folder()).getUsableSpace();
            if (needed > free) {
                throw repository
                        .subject()
                        .fault("needs %d MB, and %s has %d MB left"
                                .formatted(needed >> 20, place.folder(), free >> 20));
            }
        } catch (IOException e) {
            throw ModelPlace.unreadable(place.folder(), e);
        }
    }

    /// The files of one fetch.
    private final class Work {
        private final Repository repository;
        private final String revision;
        private final ModelPlace place;
        private final RangePool pool;
        private final Progress progress;
        private final FetchListener listener;

        Work(
                Repository repository,
                String revision,
                ModelPlace place,
                RangePool pool,
                Progress progress,
                FetchListener listener) {
            this.repository = repository;
            this.revision = revision;
            this.place = place;
            this.pool = pool;
            this.progress = progress;
            this.listener = listener;
        }

        void bring(RemoteFile file) {
            try {
                place.requireNoLinks(repository, file.path());
                if (place.isKnown(file)) {
                    progress.bytes(file.size());
                } else {
                    try (FileLock _ =
                            FileLock.take(place.lock(file.path()), () -> listener.onWaiting(repository, file.path()))) {
                        bringLocked(file);
                    }
                }
                progress.file();
            } catch (IOException e) {
                throw new InvalidFileException(Location.of(place.file(file.path())), "cannot be written: " + e, e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new RangePool.StoppedException(e);
            }
        }

        private void bringLocked(RemoteFile file) throws IOException {
            Path target = place.file(file.path());
            boolean there = place.isKnown(file)
                    || (Files.isRegularFile(target) && ContentHash.matches(target, file.size(), file.checksum()));
            if (there || cache.adopt(repository, file, target)) {
                progress.bytes(file.size());
            } else {
                new FileDownload(
                                http,
                                file,
                                protocol.content(repository, revision, file.path()),
                                repository.subject(file.path()),
                                pool,
                                progress)
                        .run(place.partial(file), target, settings.chunkBytes());
            }
            if (file.checksum() instanceof Checksum.None) {
                listener.onWarning("%s: '%s': the hub tells no checksum of it; only its size was checked"
                        .formatted(repository, file.path()));
            }
            place.removePartials(file.path());
            place.remember(file);
        }
    }
}
