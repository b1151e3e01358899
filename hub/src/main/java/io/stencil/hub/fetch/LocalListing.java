package io.stencil.hub.fetch;

import io.stencil.hub.protocol.Checksum;
import io.stencil.hub.protocol.Listing;
import io.stencil.hub.protocol.RemoteFile;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// What lies in a folder that another tool filled, where there is nothing better to go by.
final class LocalListing {

    private LocalListing() {}

    static Listing of(Path folder, String revision) {
        List<RemoteFile> files = new ArrayList<>();
        if (Files.isDirectory(folder)) {
            try (Stream<Path> content = Files.walk(folder)) {
                for (Path file : content.filter(Files::isRegularFile).toList()) {
                    String path = folder.relativize(file).toString().replace(File.separatorChar, '/');
                    if (!path.startsWith(".")) {
                        files.add(new RemoteFile(path, Files.size(file), new Checksum.None(), true));
                    }
                }
            } catch (IOException e) {
                throw ModelPlace.unreadable(folder, e);
            }
        }
        return new Listing(revision, null, files);
    }
}
