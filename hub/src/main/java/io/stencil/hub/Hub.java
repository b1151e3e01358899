package io.stencil.hub;

import io.stencil.error.InvalidRequestException;
import io.stencil.hub.fetch.FetchListener;
import io.stencil.hub.fetch.Fetcher;
import io.stencil.hub.fetch.Snapshot;
import io.stencil.hub.http.HubHttp;
import io.stencil.hub.protocol.HubProtocol;
import io.stencil.hub.protocol.HubReference;
import io.stencil.hub.protocol.Repository;
import io.stencil.hub.protocol.RepositoryId;
import io.stencil.hub.upload.UploadListener;
import io.stencil.hub.upload.UploadPlan;
import io.stencil.hub.upload.UploadResult;
import io.stencil.hub.upload.Uploader;
import java.nio.file.Path;

/// One hub.
///
/// ```java
/// try (Hub hub = Hub.open(HubSettings.of(Choices.NONE, System.getenv(), home))) {
///     Snapshot template = hub.fetch(HubReference.parse("model", "org/brightness:"), FetchListener.NONE);
/// }
/// ```
/// Safe for use by several threads.
public final class Hub implements AutoCloseable {

    private final HubSettings settings;
    private final HubProtocol protocol;
    private final HubHttp http;

    private Hub(HubSettings settings) {
        this.settings = settings;
        this.protocol = HubProtocol.of(settings.hub());
        this.http =
                new HubHttp(protocol.credentials(settings.hub(), settings.site(), settings.token()), settings.http());
    }

    /// Connects when it is first asked for something.
    public static Hub open(HubSettings settings) {
        return new Hub(settings);
    }

    /// The hub of this process's environment.
    public static Hub fromEnvironment() {
        return open(
                HubSettings.of(HubSettings.Choices.NONE, System.getenv(), Path.of(System.getProperty("user.home"))));
    }

    public HubSettings settings() {
        return settings;
    }

    /// The files that a reference names, fetched where they are not here and right already.
    ///
    /// @throws io.stencil.error.StencilException naming repository, file and cause; no partial or wrong file is left
    /// under
    ///     its name
    public Snapshot fetch(HubReference reference, FetchListener listener) {
        Fetcher fetcher = new Fetcher(protocol, http, settings.fetch(), settings.base(), settings.cache());
        return settings.offline()
                ? fetcher.find(repository(reference.id()), revision(reference), reference.pattern())
                : fetcher.fetch(repository(reference.id()), revision(reference), reference.pattern(), listener);
    }

    /// Publishes a folder.
    ///
    /// @throws io.stencil.error.StencilException naming repository, file and cause; the repository is then as it was
    public UploadResult upload(UploadPlan plan, UploadListener listener) {
        if (settings.offline()) {
            throw new InvalidRequestException("upload", "cannot be done offline");
        }
        return uploader().upload(plan, listener);
    }

    /// What an upload would send if the hub had nothing of it, without asking the hub.
    ///
    /// @throws io.stencil.error.StencilException for what is wrong with the folder
    public UploadResult preview(UploadPlan plan) {
        return uploader().preview(plan);
    }

    private Uploader uploader() {
        return new Uploader(protocol, http, settings.base().resolve(".uploads"));
    }

    public Repository repository(RepositoryId id) {
        return new Repository(settings.hub(), settings.site(), id);
    }

    /// The revision that is meant: the hub's default branch where none is named.
    public String revision(HubReference reference) {
        return reference.revision() == null ? settings.hub().defaultRevision() : reference.revision();
    }

    @Override
    public void close() {
        http.close();
    }
}
