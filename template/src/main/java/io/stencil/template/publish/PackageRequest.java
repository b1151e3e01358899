package io.stencil.template.publish;

import io.stencil.pipeline.GenerationRequest;
import io.stencil.template.TemplateInput;
import io.stencil.template.load.TemplateFolder;
import io.stencil.template.load.TrustedCode;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What is to be packaged, and what its card says.
///
/// @param template folder that was trained
/// @param trusted its code that may run
/// @param checkpoint that its training wrote; null for the weights that lie in the folder
/// @param output folder that is made
/// @param maxShardBytes above which weights are written in several files
/// @param request of the sample pictures, the first of which proves the package
/// @param samples inputs, one a picture; at least one
/// @param baseModel ID of the model that is steered, for the card; null leaves it out
/// @param license for the card; null leaves it out
public record PackageRequest(
        Path template,
        TrustedCode trusted,
        @Nullable Path checkpoint,
        Path output,
        long maxShardBytes,
        GenerationRequest request,
        List<TemplateInput> samples,
        @Nullable String baseModel,
        @Nullable String license) {

    public PackageRequest {
        samples = List.copyOf(samples);
    }

    /// The Template that was trained.
    ///
    /// @throws io.stencil.error.TemplateException when there is no such folder, or its code may not run
    TemplateFolder folder() {
        return new TemplateFolder(template, trusted);
    }
}
