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
import java.util.Optional;

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
        requireNoToken(repository, listing);
        Choice choice = Choice.of(repository, listing, pattern);
        choice.leftOut()
                .forEach(file ->
                        listener.onWarning("%s: '%s' beside the weights is left out: some systems cannot hold its name"
                                .formatted(repository, SafeNames.shown(file.path()))));
        Progress progress = new Progress(repository, choice.all().size(), choice.bytes(repository), listener);
        ModelPlace place = ModelPlace.of(base, repository, revision);
        CheckedFiles checked = new CheckedFiles(place, listing.commit());
        prepare(new KeptListing(repository, listing), checked, listener);
        FreeSpace.of(repository, this, place, checked, choice).require(repository, place.folder());
        String source = listing.commit() == null ? revision : listing.commit();
        try (RangePool pool = new RangePool(settings.connections())) {
            FetchWork work = new FetchWork(this, repository, source, checked, pool, progress, listener);
            pool.all(choice.all().stream()
                    .<Runnable>map(file -> () -> work.bring(file))
                    .toList());
        } catch (RangePool.StoppedException e) {
            throw repository.subject().fault("was interrupted", e);
        }
        requireUnchanged(new KeptListing(repository, listing), place);
        listener.onEnd();
        return snapshot(repository, listing, place, choice);
    }

    /// What the hub tells of its files is written and told: the token has no place in it.
    private void requireNoToken(Repository repository, Listing listing) {
        http.requireNoToken(repository.subject(), String.valueOf(listing.commit()));
        for (RemoteFile file : listing.files()) {
            http.requireNoToken(repository.subject(), file.path());
            http.requireNoToken(repository.subject(), file.checksum().text());
        }
    }

    /// Another process may have filled the folder with another revision's files, or another hub's, at the same time.
    ///
    /// @throws io.stencil.error.HubException when what lies there may be of two kinds
    private static void requireUnchanged(KeptListing mine, ModelPlace place) {
        boolean same = KeptListing.read(place.folder()).filter(mine::equals).isPresent();
        if (!same) {
            throw mine.repository()
                    .subject()
                    .fault("another process filled %s with other files at the same time; run it again"
                            .formatted(place.folder()));
        }
    }

    private static void prepare(KeptListing kept, CheckedFiles checked, FetchListener listener) {
        ModelPlace place = checked.place();
        try {
            checked.removeAllBut(kept.repository(), kept.listing())
                    .forEach(file -> listener.onWarning(
                            "%s: %s is not part of revision %s any more, and was changed here; it stays and would be used; remove it"
                                    .formatted(
                                            kept.repository(),
                                            file,
                                            kept.listing().revision())));
        } catch (IOException e) {
            throw new InvalidFileException(
                    Location.of(place.folder()), "files of an older revision cannot be removed: " + e, e);
        }
        kept.write(place.folder());
    }

    /// Takes what is on the disk and asks nobody. A file is taken when it is known to be this revision's, or is what
    /// the last listing says.
    ///
    /// @throws io.stencil.error.HubException naming what is missing
    public Snapshot find(Repository repository, String revision, String pattern) {
        ModelPlace place = ModelPlace.of(base, repository, revision);
        try {
            Optional<Listing> kept = kept(place, repository);
            Optional<Listing> told = kept.or(() -> cached(repository, revision));
            Listing listing = told.orElseGet(() -> LocalListing.of(place.folder(), revision));
            if (listing.files().isEmpty()) {
                throw repository
                        .subject()
                        .fault("is not in %s, and nothing is fetched when offline".formatted(place.folder()));
            }
            Choice choice = Choice.of(repository, listing, pattern);
            CheckedFiles checked = new CheckedFiles(place, listing.commit());
            List<String> missing = new ArrayList<>();
            for (RemoteFile file : choice.all()) {
                place.requireNoLinks(repository, file.path());
                // What another tool put there has no listing but what lies there, and so is there.
                if (told.isPresent() && !isHere(repository, file, checked)) {
                    missing.add(file.path());
                }
            }
            List<String> shards = IndexedShards.missing(choice, listing, new NamePattern(pattern), place);
            missing.addAll(shards);
            if (!missing.isEmpty()) {
                throw repository
                        .subject()
                        .fault(
                                "%s of %s files are not in %s, or not as revision %s has them, and nothing is fetched when offline: %s"
                                        .formatted(
                                                missing.size(),
                                                choice.all().size() + shards.size(),
                                                place.folder(),
                                                revision,
                                                NameList.of(missing)));
            }
            if (kept.isEmpty() && Files.isWritable(place.folder())) {
                KeptListing.ofUnknown(repository, revision).write(place.folder());
            }
            return snapshot(repository, listing, place, choice);
        } catch (IOException e) {
            throw ModelPlace.unreadable(place.folder(), e);
        }
    }

    private boolean isHere(Repository repository, RemoteFile file, CheckedFiles checked) throws IOException {
        if (checked.isKnown(file)) {
            return true;
        }
        Path target = checked.place().file(file.path());
        boolean right = isRight(file, target) || cache.adopt(repository, file, checked.commit(), checked.place());
        if (right && Files.isWritable(checked.place().folder())) {
            checked.remember(file);
        }
        return right;
    }

    /// Whether the file lies there as its checksum says; never true for one without.
    static boolean isRight(RemoteFile file, Path target) throws IOException {
        return !(file.checksum() instanceof Checksum.None)
                && Files.isRegularFile(target)
                && ContentHash.matches(target, file.size(), file.checksum());
    }

    /// What was listed when the folder was filled.
    ///
    /// @throws io.stencil.error.HubException when another hub filled it
    private static Optional<Listing> kept(ModelPlace place, Repository repository) {
        Optional<KeptListing> kept = KeptListing.read(place.folder()).filter(one -> !one.isOfUnknown());
        kept.map(KeptListing::repository)
                .filter(other -> !other.site().equals(repository.site()))
                .ifPresent(other -> {
                    throw repository
                            .subject()
                            .fault(
                                    "is not here: %s holds what %s has, and nothing is fetched when offline; name that hub by --hub, or another folder by --model_base_path"
                                            .formatted(place.folder(), other));
                });
        return kept.map(KeptListing::listing);
    }

    private Optional<Listing> cached(Repository repository, String revision) {
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
}
