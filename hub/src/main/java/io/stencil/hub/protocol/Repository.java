package io.stencil.hub.protocol;

import io.stencil.hub.http.Subject;
import java.net.URI;
import org.jspecify.annotations.Nullable;

/// A repository of one hub.
public record Repository(HubKind hub, URI site, RepositoryId id) {

    /// A request about all of it.
    public Subject subject() {
        return new Subject(toString(), null);
    }

    /// A request about one file.
    public Subject subject(@Nullable String file) {
        return new Subject(toString(), file);
    }

    /// Its address, for people.
    @Override
    public String toString() {
        return site + "/" + id;
    }
}
