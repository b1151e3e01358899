package io.stencil.train;

import io.stencil.nn.WeightLoader;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.LoadOptions;
import io.stencil.pipeline.ModelFiles;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.template.load.InMemoryTemplate;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.testing.TestFiles;

/// The tiny models in float32, and the Template that the goldens were trained from.
final class TinyTraining {

    static final LoadOptions FLOAT32 = new LoadOptions(DType.FLOAT32, Device.CPU);

    private TinyTraining() {}

    static ModelFiles base() {
        return ModelFiles.in(TestFiles.tinyModel(""));
    }

    static Flux2Pipeline pipeline() {
        return Flux2Pipeline.load(base(), FLOAT32);
    }

    static LoadedTemplate<?, ?> template() {
        ValueNetwork network = new ValueNetwork();
        new WeightLoader(DType.FLOAT32, Device.CPU)
                .load(network, SafetensorsFile.open(TestFiles.golden("template_train_start/model.safetensors")));
        return InMemoryTemplate.of(network);
    }
}
