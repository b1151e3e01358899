package io.stencil.hub.download;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.files.FileLock;
import io.stencil.hub.download.ModelFolder.StoredListing;
import io.stencil.hub.http.HubHttp;
import io.stencil.hub.http.HubRequest;
import io.stencil.hub.provider.HubProtocol;
import io.stencil.hub.provider.Listing;
import io.stencil.hub.provider.Listing.Checksum;
import io.stencil.hub.provider.Listing.RemoteFile;
import io.stencil.hub.provider.Repository;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// Downloads files of repositories, or finds them on the disk.
public record Fetcher(HubProtocol protocol, HubHttp http, Settings settings, ModelRoots roots) {

    /// @param connections open at a time
    /// @param chunkBytes size of one range
    public record Settings(int connections, long chunkBytes) {

        public static final Settings DEFAULT = new Settings(8, 16L << 20);
    }

    /// Receives progress of a fetch; may be called from several threads.
    public interface Listener {

        Listener NONE = new Listener() {};

        /// @param files in place
        /// @param bytes downloaded or already in place
        default void onProgress(Repository repository, int files, int allFiles, long bytes, long allBytes) {}

        /// Another process or thread fetches the same file, and this one waits for it.
        default void onWaiting(Repository repository, String file) {}

        default void onWarning(String message) {}

        /// All files are in place.
        default void onEnd() {}
    }

    /// Downloads the files that are not in place, or fail verification.
    ///
    /// @param pattern glob inside the repository, a folder, or empty for all
    /// @throws io.stencil.error.StencilException naming repository, file and cause
    public Snapshot fetch(Repository repository, String revision, String pattern, Listener listener) {
        Listing listing = protocol.list(repository, revision, http);
        requireNoToken(repository, listing);
        FileSelection selection = FileSelection.of(repository, listing, pattern);
        selection
                .leftOut()
                .forEach(file ->
                        listener.onWarning("%s: '%s' beside the weights is left out: some systems cannot hold its name"
                                .formatted(repository, FileNames.printable(file.path()))));
        Progress progress = new Progress(repository, selection.all().size(), selection.bytes(repository), listener);
        ModelFolder folder = ModelFolder.of(roots.base(), repository, revision);
        StoredListing stored = new StoredListing(repository, listing);
        removeObsolete(folder, stored, listener);
        folder.store(stored);
        requireSpace(repository, folder, missingBytes(repository, folder, listing.commit(), selection.all()));
        try (FileDownload.Pool pool = new FileDownload.Pool(settings.connections())) {
            Transfer transfer = new Transfer(stored, folder, pool, progress, listener);
            pool.runAll(selection.all().stream()
                    .<Runnable>map(file -> () -> transfer.fetch(file))
                    .toList());
        } catch (FileDownload.StoppedException e) {
            throw repository.subject().fault("was interrupted", e);
        }
        requireUnchanged(stored, folder);
        listener.onEnd();
        return snapshot(repository, listing, folder, selection);
    }

    /// Refuses listings that contain the token, since what they name is written and printed.
    private void requireNoToken(Repository repository, Listing listing) {
        http.requireNoToken(repository.subject(), String.valueOf(listing.commit()));
        for (RemoteFile file : listing.files()) {
            http.requireNoToken(repository.subject(), file.path());
            http.requireNoToken(repository.subject(), file.checksum().text());
        }
    }

    /// Another process may have filled the folder with another revision's files, or another hub's, at the same time.
    ///
    /// @throws HubException when the folder may hold files of both
    private static void requireUnchanged(StoredListing own, ModelFolder folder) {
        boolean isSame = folder.stored().filter(own::equals).isPresent();
        if (!isSame) {
            throw own.repository()
                    .subject()
                    .fault("another process filled %s with other files at the same time; run it again"
                            .formatted(folder.path()));
        }
    }

    private static void removeObsolete(ModelFolder folder, StoredListing stored, Listener listener) {
        try {
            folder.removeObsolete(stored.repository(), stored.listing())
                    .forEach(file -> listener.onWarning(
                            "%s: %s is not part of revision %s any more, and was changed here; it stays and would be used; remove it"
                                    .formatted(
                                            stored.repository(),
                                            file,
                                            stored.listing().revision())));
        } catch (IOException e) {
            throw new InvalidFileException(
                    Location.of(folder.path()), "files of an older revision cannot be removed: " + e, e);
        }
    }

    /// Counts the bytes to download, without those in place, in Hugging Face's cache, or in partial files.
    long missingBytes(Repository repository, ModelFolder folder, @Nullable String commit, List<RemoteFile> files) {
        try {
            long bytes = 0;
            for (RemoteFile file : files) {
                Path target = folder.file(file.path());
                boolean isHere = (Files.isRegularFile(target) && Files.size(target) == file.size())
                        || cache().has(repository, file, commit);
                long received = isHere
                        ? file.size()
                        : PartialFile.bytesIn(folder.partial(file, commit), file.size(), settings.chunkBytes());
                bytes = Math.addExact(bytes, file.size() - received);
            }
            return bytes;
        } catch (IOException e) {
            throw ModelFolder.unreadable(folder.path(), e);
        }
    }

    private static void requireSpace(Repository repository, ModelFolder folder, long bytes) {
        try {
            long free = Files.getFileStore(folder.path()).getUsableSpace();
            requireSpace(repository, folder, bytes, free);
        } catch (IOException e) {
            throw ModelFolder.unreadable(folder.path(), e);
        }
    }

    /// @throws HubException when the disk has too little space
    static void requireSpace(Repository repository, ModelFolder folder, long bytes, long free) {
        if (bytes > free) {
            throw repository
                    .subject()
                    .fault("needs %s MB more, and %s has %s MB left".formatted(bytes >> 20, folder.path(), free >> 20));
        }
    }

    /// One fetch: puts each file into place that is not there and verified.
    private final class Transfer {

        private final Repository repository;
        private final @Nullable String commit;
        /// Revision of the content: the commit where it is known, so that all files are of one.
        private final String revision;

        private final ModelFolder folder;
        private final FileDownload.Pool pool;
        private final Progress progress;
        private final Listener listener;

        Transfer(
                StoredListing stored,
                ModelFolder folder,
                FileDownload.Pool pool,
                Progress progress,
                Listener listener) {
            this.repository = stored.repository();
            this.commit = stored.listing().commit();
            this.revision = commit == null ? stored.listing().revision() : commit;
            this.folder = folder;
            this.pool = pool;
            this.progress = progress;
            this.listener = listener;
        }

        void fetch(RemoteFile file) {
            try {
                folder.requireNoLinks(repository, file.path());
                if (folder.isVerified(file, commit)) {
                    progress.bytes(file.size());
                } else {
                    try (FileLock lock = FileLock.take(
                            folder.lockFile(file.path()),
                            /* shared= */ false,
                            () -> listener.onWaiting(repository, file.path()))) {
                        if (lock == null) {
                            progress.noLocks(folder.path());
                        }
                        fetchLocked(file);
                    }
                }
                progress.file();
            } catch (ClosedByInterruptException e) {
                throw new FileDownload.StoppedException(e);
            } catch (IOException e) {
                throw new InvalidFileException(Location.of(folder.file(file.path())), "cannot be written: " + e, e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new FileDownload.StoppedException(e);
            }
        }

        private void fetchLocked(RemoteFile file) throws IOException {
            Path target = folder.file(file.path());
            if (folder.isVerified(file, commit)
                    || isProven(file, target)
                    || cache().adopt(repository, file, commit, folder)) {
                progress.bytes(file.size());
            } else {
                download(file, target);
            }
            if (file.checksum() instanceof Checksum.None) {
                listener.onWarning("%s: '%s': the hub lists no checksum of it; only its size was checked"
                        .formatted(repository, file.path()));
            }
            folder.removePartials(file.path());
            folder.recordVerified(file, commit);
        }

        private void download(RemoteFile file, Path target) throws IOException {
            long chunk = settings.chunkBytes();
            boolean isIdentified = !(file.checksum() instanceof Checksum.None) || commit != null;
            if (!isIdentified) {
                // Nothing distinguishes one version from another: partial files of other runs are not resumed, and one
                // request downloads the whole.
                folder.removePartials(file.path());
                chunk = Math.max(1, file.size());
            }
            HubRequest request = HubRequest.get(
                    protocol.content(repository, revision, file.path()), repository.subject(file.path()));
            new FileDownload(http, file, request, pool, progress, isIdentified)
                    .run(folder.partial(file, commit), target, chunk);
        }
    }

    /// Finds files on the disk without a request. A file is taken when it was verified for this revision, or has the
    /// checksum of the last listing.
    ///
    /// @throws io.stencil.error.HubException naming missing files
    public Snapshot find(Repository repository, String revision, String pattern) {
        ModelFolder folder = ModelFolder.of(roots.base(), repository, revision);
        try {
            Optional<Listing> stored = stored(folder, repository);
            Optional<Listing> known = stored.or(() -> cached(repository, revision));
            Listing listing = known.orElseGet(() -> folder.scan(revision));
            if (listing.files().isEmpty()) {
                throw repository
                        .subject()
                        .fault("is not in %s, and nothing is fetched when offline".formatted(folder.path()));
            }
            FileSelection selection = FileSelection.of(repository, listing, pattern);
            List<String> missing = new ArrayList<>();
            for (RemoteFile file : selection.all()) {
                folder.requireNoLinks(repository, file.path());
                // A scan lists what is there.
                if (known.isPresent() && !isHere(repository, file, listing.commit(), folder)) {
                    missing.add(file.path());
                }
            }
            List<String> shards = selection.missingShards(listing, pattern, folder);
            missing.addAll(shards);
            if (!missing.isEmpty()) {
                throw repository
                        .subject()
                        .fault(
                                "%s of %s files are not in %s, or not as revision %s has them, and nothing is fetched when offline: %s"
                                        .formatted(
                                                missing.size(),
                                                selection.all().size() + shards.size(),
                                                folder.path(),
                                                revision,
                                                NameList.of(missing)));
            }
            if (stored.isEmpty() && Files.isWritable(folder.path())) {
                folder.store(StoredListing.ofUnknown(repository, revision));
            }
            return snapshot(repository, listing, folder, selection);
        } catch (IOException e) {
            throw ModelFolder.unreadable(folder.path(), e);
        }
    }

    private boolean isHere(Repository repository, RemoteFile file, @Nullable String commit, ModelFolder folder)
            throws IOException {
        if (folder.isVerified(file, commit)) {
            return true;
        }
        boolean isHere = isProven(file, folder.file(file.path())) || cache().adopt(repository, file, commit, folder);
        if (isHere && Files.isWritable(folder.path())) {
            folder.recordVerified(file, commit);
        }
        return isHere;
    }

    /// Returns whether the file is in place with its checksum; never true for one without.
    private static boolean isProven(RemoteFile file, Path target) throws IOException {
        return !(file.checksum() instanceof Checksum.None) && Files.isRegularFile(target) && file.isContentOf(target);
    }

    /// Reads the listing of the last fetch.
    ///
    /// @throws HubException when another hub filled the folder
    private static Optional<Listing> stored(ModelFolder folder, Repository repository) {
        Optional<StoredListing> stored = folder.stored().filter(listing -> !listing.isOfUnknown());
        stored.map(StoredListing::repository)
                .filter(other -> !other.site().equals(repository.site()))
                .ifPresent(other -> {
                    throw repository
                            .subject()
                            .fault(
                                    "is not here: %s holds what %s has, and nothing is fetched when offline; name that hub by --hub, or another folder by --model_base_path"
                                            .formatted(folder.path(), other));
                });
        return stored.map(StoredListing::listing);
    }

    private Optional<Listing> cached(Repository repository, String revision) {
        try {
            return cache().listing(repository, revision);
        } catch (IOException e) {
            throw ModelFolder.unreadable(roots.cache(), e);
        }
    }

    private HuggingFaceCache cache() {
        return new HuggingFaceCache(roots.cache());
    }

    private static Snapshot snapshot(
            Repository repository, Listing listing, ModelFolder folder, FileSelection selection) {
        List<Path> files = selection.chosen().stream()
                .map(file -> folder.file(file.path()))
                .toList();
        return new Snapshot(repository, listing.revision(), listing.commit(), folder.path(), files);
    }

    /// Counts files and bytes of one fetch.
    static final class Progress {

        private static final long INTERVAL_NANOS = 100_000_000;

        private final Repository repository;
        private final int allFiles;
        private final long allBytes;
        private final Listener listener;
        private final AtomicInteger files = new AtomicInteger();
        private final AtomicLong bytes = new AtomicLong();
        private final AtomicBoolean warned = new AtomicBoolean();
        private final AtomicLong lastReport = new AtomicLong(System.nanoTime() - INTERVAL_NANOS);

        Progress(Repository repository, int allFiles, long allBytes, Listener listener) {
            this.repository = repository;
            this.allFiles = allFiles;
            this.allBytes = allBytes;
            this.listener = listener;
        }

        /// @param more negative where a range is fetched again
        void bytes(long more) {
            bytes.addAndGet(more);
            long now = System.nanoTime();
            long last = lastReport.get();
            if (now - last >= INTERVAL_NANOS && lastReport.compareAndSet(last, now)) {
                report();
            }
        }

        void file() {
            files.incrementAndGet();
            report();
        }

        /// Warns once that no lock excludes other processes.
        void noLocks(Path folder) {
            if (warned.compareAndSet(false, true)) {
                listener.onWarning(
                        "the file system of '%s' provides no locks; take care that no other process fetches %s"
                                .formatted(folder, repository));
            }
        }

        /// One at a time, so that the last report is the latest.
        private synchronized void report() {
            listener.onProgress(repository, files.get(), allFiles, bytes.get(), allBytes);
        }
    }
}
