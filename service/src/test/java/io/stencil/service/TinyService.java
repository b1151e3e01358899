package io.stencil.service;

import io.stencil.pipeline.GeneratedImage;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.load.TemplateFolder;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.ShortPrompts;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.bytedeco.pytorch.Tensor;

/// The tiny base model as a service with Templates `a`, `b` and `hook`, and LoRAs `first` and `second`.
final class TinyService {

    private static final String HOOK = """
            import io.stencil.flux2.transformer.*;
            import io.stencil.image.RgbImage;
            import io.stencil.pipeline.Flux2Pipeline;
            import io.stencil.template.*;
            import java.util.Optional;
            public final class Model implements Template<Model.Input, Model.Input> {
                public record Input(String name, Optional<RgbImage> image) {}
                public TemplateModel<Input, Input> model(TransformerConfig base) { return new Net(); }
                public Weights weights() { return Weights.random(0); }
                static final class Net extends TemplateModel<Input, Input> {
                    public Input processInputs(Input in, Flux2Pipeline pipeline) {
                        io.stencil.service.Hooks.run(in.name());
                        return in;
                    }
                    public TemplateCache forward(Input in, ForwardContext context) { return TemplateCache.empty(); }
                }
            }
            """;

    static final String LAYER = "transformer_blocks.0.attn.to_q";

    private TinyService() {}

    /// @param folder an empty one, for the files of Template `hook` and of the LoRAs
    static ServiceSettings.Builder settings(Path folder) throws IOException {
        Path hook = Files.createDirectory(folder.resolve("hook"));
        Files.writeString(hook.resolve("Model.java"), HOOK);
        return ServiceSettings.builder(ModelFiles.in(ShortPrompts.model()), new LoadOptions(DType.FLOAT32, Device.CPU))
                .modelName("tiny")
                .defaultSize(32, 32)
                .template("a", new TemplateFolder(TestFiles.golden("template_value_a")))
                .template("b", new TemplateFolder(TestFiles.golden("template_value_b")))
                .template("hook", new TemplateFolder(hook))
                .lora("first", lora(folder.resolve("first.safetensors"), 1))
                .lora("second", lora(folder.resolve("second.safetensors"), 2));
    }

    private static Path lora(Path file, long seed) throws IOException {
        return lora(file, seed, LAYER);
    }

    static Path lora(Path file, long seed, String... layers) throws IOException {
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(seed)) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            for (String layer : layers) {
                tensors.put(layer + ".lora_A.weight", generator.randn(DType.FLOAT32, 4, 128));
                tensors.put(layer + ".lora_B.weight", generator.randn(DType.FLOAT32, 128, 4));
            }
            TensorFiles.write(file, tensors, Map.of());
        }
        return file;
    }

    /// A request of two steps.
    static ImageRequest.Builder request() {
        return ImageRequest.of("a cat").size(32, 32).steps(2).guidance(1).seed(1);
    }

    /// A request whose job runs until a latch is open.
    ///
    /// @param name of its own, for Template caches are kept
    static ImageRequest waiting(String name, CountDownLatch latch) {
        Hooks.set(name, () -> {
            try {
                latch.await();
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
        });
        return hooked(name);
    }

    static ImageRequest hooked(String name) {
        return request().template("hook", Map.of("name", name)).build();
    }

    /// The latents of images, to be compared bit by bit.
    static List<List<Float>> latents(List<GeneratedImage> images) {
        List<List<Float>> all = new ArrayList<>();
        try (Scope _ = new Scope()) {
            for (GeneratedImage image : images) {
                List<Float> values = new ArrayList<>();
                for (float value : Tensors.toFloats(image.latents().toTensor())) {
                    values.add(value);
                }
                all.add(values);
            }
        }
        return all;
    }
}
