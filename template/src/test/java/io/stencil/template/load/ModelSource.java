package io.stencil.template.load;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// The text of a `Model.java` that keeps the contract, to be changed in one place or another.
record ModelSource(String text) {

    static final ModelSource GOOD = new ModelSource("""
            import io.stencil.flux2.transformer.*;
            import io.stencil.nn.*;
            import io.stencil.pipeline.Flux2Pipeline;
            import io.stencil.template.*;
            import io.stencil.tensor.*;
            import java.util.*;
            public final class Model implements Template<Model.Input, Model.Input> {
                public record Input(double scale) {}
                public TemplateModel<Input, Input> model(TransformerConfig base) { return new Net(); }
                public Weights weights() { return Weights.random(0); }
                static final class Net extends TemplateModel<Input, Input> {
                    public Input processInputs(Input in, Flux2Pipeline pipeline) { return in; }
                    public TemplateCache forward(Input in, ForwardContext context) { return TemplateCache.empty(); }
                }
            }
            """);

    /// A network of one linear layer that gives keys and values for two blocks, from an input with tensors.
    static final ModelSource NETWORK = new ModelSource("""
            import io.stencil.flux2.transformer.*;
            import io.stencil.nn.*;
            import io.stencil.pipeline.Flux2Pipeline;
            import io.stencil.template.*;
            import io.stencil.tensor.*;
            import java.util.*;
            import org.bytedeco.pytorch.Tensor;
            public final class Model implements Template<Model.Input, Model.Ready> {
                public record Input(double scale) {}
                public record Ready(Tensor strength, List<Tensor> more) {}
                public TemplateModel<Input, Ready> model(TransformerConfig base) { return new Net(); }
                public Weights weights() { return Weights.random(0); }
                static final class Net extends TemplateModel<Input, Ready> {
                    private Tensor kept;
                    private final Parameter start = parameter("start", Initializer.normal(1), 1, 4, 4, 32);
                    private final Linear linear = module("linear", new Linear(32, 32, true));
                    public Ready processInputs(Input in, Flux2Pipeline pipeline) {
                        Tensor x = Tensors.full(in.scale(), DType.FLOAT32, Device.CPU, 1);
                        return new Ready(x, List.of(x));
                    }
                    public TemplateCache forward(Ready in, ForwardContext context) {
                        Tensor k = linear.forward(start.get().mul(in.strength()));
                        Tensor v = k.neg();
                        return TemplateCache.of(new KvCache(Map.of(BlockId.parse("double_1"), new KeyValue(k, v))));
                    }
                    static Tensor freed(Tensor x) { try (Scope scope = new Scope()) { return x.neg(); } }
                }
            }
            """);

    /// The text with `part`, which must be in it, replaced.
    ModelSource with(String part, String replacement) {
        assertThat(text).contains(part);
        return new ModelSource(text.replace(part, replacement));
    }

    /// A Template whose forward pass gives this expression.
    ModelSource giving(String cache) {
        return with("TemplateCache.empty()", cache);
    }

    /// Writes `Model.java`.
    ///
    /// @return the Template of the folder
    TemplateFolder in(Path folder) throws IOException {
        Files.writeString(folder.resolve("Model.java"), text);
        return new TemplateFolder(folder);
    }
}
