package io.stencil.hub.protocol;

import io.stencil.hub.http.Credentials;
import io.stencil.hub.http.HubHttp;
import io.stencil.hub.http.Token;
import java.net.URI;
import org.jspecify.annotations.Nullable;

/// The reading half of a hub's interface.
public sealed interface HubProtocol permits HuggingFaceProtocol, ModelScopeProtocol {

    /// All files of a revision.
    ///
    /// @throws io.stencil.error.HubException when the hub refuses, fails, or answers with what is no listing
    Listing list(Repository repository, String revision, HubHttp http);

    /// The address under which a file's content is had, often by way of a redirect.
    URI content(Repository repository, String revision, String path);

    /// How requests to `site` are signed.
    Credentials credentials(HubKind kind, URI site, @Nullable Token token);

    static HubProtocol of(HubKind kind) {
        return switch (kind) {
            case HUGGING_FACE -> new HuggingFaceProtocol();
            case MODELSCOPE, MODELSCOPE_INTERNATIONAL -> new ModelScopeProtocol();
        };
    }
}
