package io.stencil.template.load;

import io.stencil.pipeline.Flux2Pipeline;

/// A Template that can be loaded.
public interface TemplateSource {

    /// Checks the whole contract without reading weights' content.
    ///
    /// @throws io.stencil.error.TemplateException naming the part that is missing or wrong, and where
    void check(Flux2Pipeline base);

    /// Binds inputs of a generation, and describes them, without the model.
    ///
    /// @throws io.stencil.error.TemplateException as [#check] does
    default InputBinder<?> inputBinder(Flux2Pipeline base) {
        try (LoadedTemplate<?, ?> template = load(base)) {
            return template.inputBinder();
        }
    }

    /// Loads the model and its weights; the caller closes it.
    ///
    /// @throws io.stencil.error.TemplateException naming the part that is missing or wrong, and where
    /// @throws io.stencil.error.InvalidFileException when the weights do not fit
    LoadedTemplate<?, ?> load(Flux2Pipeline base);
}
