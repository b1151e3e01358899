package io.stencil.hub.upload;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.stencil.hub.http.HubHttp;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;

/// The writing half of a hub's interface.
sealed interface Publication permits HuggingFacePublication, ModelScopePublication {

    JsonMapper JSON = new JsonMapper();

    /// Whether the repository is there.
    boolean exists(UploadPlan plan, HubHttp http);

    /// Makes the repository.
    void create(UploadPlan plan, HubHttp http);

    /// Sends the files and makes one commit of them.
    ///
    /// @param there paths of files that the hub has, with other content
    /// @param isThere asks the hub whether it has them all: after a fault that leaves open whether the commit was made
    void commit(
            UploadPlan plan,
            List<LocalFile> files,
            Set<String> there,
            HubHttp http,
            UploadListener listener,
            BooleanSupplier isThere);
}
