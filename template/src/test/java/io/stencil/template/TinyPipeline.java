package io.stencil.template;

import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.load.TemplateFolder;
import io.stencil.template.load.TemplateSource;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/// The tiny base model and the Templates of the goldens, for tests.
public final class TinyPipeline {

    private TinyPipeline() {}

    public static Flux2Pipeline base() {
        return Flux2Pipeline.load(ModelFiles.in(TestFiles.tinyModel("")), new LoadOptions(DType.FLOAT32, Device.CPU));
    }

    /// A pipeline that can run Templates and nothing else.
    public static Flux2Pipeline transformerOnly() {
        return Flux2Pipeline.load(
                new ModelFiles(List.of(List.of(TestFiles.tinyModel("transformer"))), null),
                new LoadOptions(DType.FLOAT32, Device.CPU));
    }

    /// Templates 0 and 1 are weights of the value family, 2 is source and weights.
    ///
    /// @param folder an empty one, in which Template 2 is put together
    public static List<TemplateSource> goldenTemplates(Path folder) throws IOException {
        Path source = Path.of(Objects.requireNonNull(TinyPipeline.class.getResource("/templates/lora_scale/Model.java"))
                .getPath());
        Files.copy(source, folder.resolve("Model.java"));
        Files.copy(TestFiles.golden("template_lora/model.safetensors"), folder.resolve("model.safetensors"));
        return List.of(
                new TemplateFolder(TestFiles.golden("template_value_a")),
                new TemplateFolder(TestFiles.golden("template_value_b")),
                new TemplateFolder(folder));
    }
}
