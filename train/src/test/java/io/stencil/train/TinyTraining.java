package io.stencil.train;

import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.TemplateFolder;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.testing.ShortPrompts;
import io.stencil.testing.TestFiles;
import java.nio.file.Path;

/// The tiny models in float32, and the Template that the goldens were trained from.
final class TinyTraining {

    static final LoadOptions FLOAT32 = new LoadOptions(DType.FLOAT32, Device.CPU);

    private TinyTraining() {}

    /// With short prompts: what the goldens were trained on is [TestFiles#tinyModel].
    static ModelFiles base() {
        return ModelFiles.in(ShortPrompts.model());
    }

    static Flux2Pipeline pipeline() {
        return Flux2Pipeline.load(base(), FLOAT32);
    }

    static LoadedTemplate<?, ?> template(Flux2Pipeline pipeline) {
        return new TemplateFolder(templateFolder()).load(pipeline);
    }

    static Path templateFolder() {
        return TestFiles.golden("template_train_start");
    }
}
