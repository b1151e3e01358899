package io.stencil.hub;

import io.stencil.error.InvalidRequestException;
import io.stencil.hub.download.Fetcher;
import io.stencil.hub.download.Snapshot;
import io.stencil.hub.http.HubHttp;
import io.stencil.hub.provider.HubProtocol;
import io.stencil.hub.provider.HubReference;
import io.stencil.hub.provider.Repository;
import io.stencil.hub.upload.UploadPlan;
import io.stencil.hub.upload.Uploader;
import java.nio.file.Path;

/// Client of one model hub.
///
/// ```java
/// try (Hub hub = Hub.open(HubSettings.of(Choices.NONE, System.getenv(), home))) {
///     Snapshot template = hub.fetch(HubReference.parse("model", "org/brightness:"), Fetcher.Listener.NONE);
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

    /// Opens a client, which connects with its first request.
    public static Hub open(HubSettings settings) {
        return new Hub(settings);
    }

    /// Opens a client with the settings of this process's environment.
    public static Hub fromEnvironment() {
        return open(
                HubSettings.of(HubSettings.Choices.NONE, System.getenv(), Path.of(System.getProperty("user.home"))));
    }

    public HubSettings settings() {
        return settings;
    }

    /// Fetches the files of a reference that are not in place and verified.
    ///
    /// @throws io.stencil.error.StencilException naming repository, file and cause; no file is partial or unverified
    public Snapshot fetch(HubReference reference, Fetcher.Listener listener) {
        Fetcher fetcher = new Fetcher(protocol, http, settings.fetch(), settings.roots());
        return settings.offline()
                ? fetcher.find(repository(reference.id()), revision(reference), reference.pattern())
                : fetcher.fetch(repository(reference.id()), revision(reference), reference.pattern(), listener);
    }

    /// Fetches the same without a listener.
    public Snapshot fetch(HubReference reference) {
        return fetch(reference, Fetcher.Listener.NONE);
    }

    /// Publishes a folder.
    ///
    /// @throws io.stencil.error.StencilException naming repository, file and cause; the repository is then unchanged
    public Uploader.Result upload(UploadPlan plan, Uploader.Listener listener) {
        if (settings.offline()) {
            throw new InvalidRequestException("upload", "cannot be done offline");
        }
        return uploader().upload(plan, listener);
    }

    /// Lists what an upload to an empty repository would send, without a request.
    ///
    /// @throws io.stencil.error.StencilException naming a file that cannot be published
    public Uploader.Result preview(UploadPlan plan) {
        return uploader().preview(plan);
    }

    private Uploader uploader() {
        return new Uploader(protocol, http, settings.roots().base().resolve(".uploads"));
    }

    public Repository repository(Repository.Id id) {
        return new Repository(settings.hub(), settings.site(), id);
    }

    /// Returns the revision of a reference, or the hub's default branch.
    public String revision(HubReference reference) {
        return reference.revision() == null ? settings.hub().defaultRevision() : reference.revision();
    }

    @Override
    public void close() {
        http.close();
    }
}
