package io.stencil.hub.fetch;

import io.stencil.hub.protocol.RemoteFile;
import io.stencil.hub.protocol.Repository;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Whether the disk has room for what is still to come.
///
/// @param bytes that are still to come, without what is in place, in Hugging Face's cache, or in partial files
/// @param free on the disk
record FreeSpace(long bytes, long free) {

    static FreeSpace of(Repository repository, Fetcher fetcher, ModelPlace place, CheckedFiles checked, Choice choice) {
        try {
            long bytes = 0;
            for (RemoteFile file : choice.all()) {
                Path target = place.file(file.path());
                boolean here = (Files.isRegularFile(target) && Files.size(target) == file.size())
                        || fetcher.cache().has(repository, file, checked.commit());
                long part = here
                        ? file.size()
                        : PartialFile.bytesIn(
                                place.partial(file, checked.commit()),
                                file.size(),
                                fetcher.settings().chunkBytes());
                bytes = Math.addExact(bytes, file.size() - part);
            }
            return new FreeSpace(bytes, Files.getFileStore(place.folder()).getUsableSpace());
        } catch (IOException e) {
            throw ModelPlace.unreadable(place.folder(), e);
        }
    }

    /// @throws io.stencil.error.HubException when there is too little
    void require(Repository repository, Path folder) {
        if (bytes > free) {
            throw repository
                    .subject()
                    .fault("needs %s MB more, and %s has %s MB left".formatted(bytes >> 20, folder, free >> 20));
        }
    }
}
