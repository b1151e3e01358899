package io.stencil.hub.upload;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.stencil.hub.http.HubHttp;
import java.util.List;

/// The writing half of a hub's interface.
sealed interface Publication permits HuggingFacePublication, ModelScopePublication {

    JsonMapper JSON = new JsonMapper();

    /// Whether the repository is there.
    boolean exists(UploadPlan plan, HubHttp http);

    /// Makes the repository.
    void create(UploadPlan plan, HubHttp http);

    /// Sends the files and makes one commit of them.
    void commit(UploadPlan plan, List<LocalFile> files, HubHttp http, UploadListener listener);
}
