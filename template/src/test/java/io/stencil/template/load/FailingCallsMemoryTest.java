package io.stencil.template.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.StencilException;
import io.stencil.error.TemplateException;
import io.stencil.flux2.transformer.KvCache;
import io.stencil.nn.Lora;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.pipeline.ProgressListener;
import io.stencil.pipeline.SideConditions;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.TemplateInputs;
import io.stencil.template.pipeline.TemplatePipeline;
import io.stencil.template.pipeline.TemplatePipeline.Loading;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.testing.AllocatedMemory;
import io.stencil.testing.ResidentMemory;
import io.stencil.testing.ShortPrompts;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Calls that are refused or fail half-way free all that they had allocated.
@Tag("memory")
class FailingCallsMemoryTest {

    private static final int CALLS = 50;
    private static final long MEGABYTE = 1L << 20;

    /// Gives back 4 MB, or throws while it has 4 MB.
    private static final ModelSource HEAVY = ModelSource.GOOD.with("return TemplateCache.empty();", """
            org.bytedeco.pytorch.Tensor heavy = Tensors.full(in.scale(), DType.FLOAT32, Device.CPU, 1, 1 << 13, 128);
                    if (in.scale() < 0) { throw new IllegalStateException("no"); }
                    return TemplateCache.of(heavy);
            """);

    private static final GenerationRequest REQUEST =
            GenerationRequest.of("a").size(16, 16).steps(2).seed(1).build();

    @TempDir
    private Path folder;

    private TemplatePipeline pipeline;

    @BeforeEach
    void load() throws IOException {
        Flux2Pipeline base =
                Flux2Pipeline.load(ModelFiles.in(ShortPrompts.model()), new LoadOptions(DType.FLOAT32, Device.CPU));
        pipeline = new TemplatePipeline(base, List.of(HEAVY.in(folder)), Loading.EAGER, _ -> {});
    }

    @AfterEach
    void close() {
        pipeline.close();
    }

    private static void isFlat(Class<? extends Throwable> fault, String message, ThrowingCallable call) {
        long settled = 0;
        for (int i = 0; i < CALLS; i++) {
            assertThatThrownBy(call).isInstanceOf(fault).hasMessageContaining(message);
            if (i == CALLS / 10) {
                settled = ResidentMemory.bytes();
            }
        }
        // 4 MB of each call would be 176 MB
        assertThat(ResidentMemory.bytes() - settled).isLessThan(40 * MEGABYTE);
    }

    private void steered(String inputs, GenerationRequest request, ProgressListener progress) {
        pipeline.generate(request, TemplateInputs.parse(inputs), List.of(), progress);
    }

    @BeforeAll
    static void mapLargeBlocks() {
        AllocatedMemory.mapLargeBlocks(); // resident memory then follows what is in use
    }

    @Test
    void aTemplateThatThrows() {
        isFlat(
                TemplateException.class,
                "IllegalStateException: no",
                () -> steered("{\"scale\": -1}", REQUEST, ProgressListener.NONE));
    }

    @Test
    void aTemplateWhoseResultDoesNotFit() {
        isFlat(
                TemplateException.class,
                "the transformer needs [1, S, 192]",
                () -> steered("{\"scale\": 1}", REQUEST, ProgressListener.NONE));
    }

    @Test
    void aTemplateWhoseSecondInputThrows() {
        isFlat(
                StencilException.class,
                "",
                () -> steered("[{\"scale\": 1}, {\"scale\": -1}]", REQUEST, ProgressListener.NONE));
    }

    @Test
    void aListenerThatThrows() {
        isFlat(
                UnsupportedOperationException.class,
                "enough",
                () -> pipeline.base().generate(REQUEST, (_, _) -> {
                    Tensors.zeros(DType.FLOAT32, Device.CPU, MEGABYTE); // in the scope of the call
                    throw new UnsupportedOperationException("enough");
                }));
    }

    @Test
    void aRequestThatIsRefused() {
        isFlat(InvalidRequestException.class, "the transformer needs [1, S, 192]", () -> {
            try (Scope _ = new Scope()) {
                SideConditions side = new SideConditions(
                        "a",
                        KvCache.empty(),
                        Lora.empty(),
                        Tensors.full(1, DType.FLOAT32, Device.CPU, 1, 1 << 13, 128));
                pipeline.base().generate(REQUEST.toBuilder().positive(side).build());
            }
        });
    }

    @Test
    void aStepWhoseLatentsAreNotFinite() {
        isFlat(InvalidRequestException.class, "'text_embedding': holds values that are not finite", () -> {
            try (Scope _ = new Scope()) {
                SideConditions side = new SideConditions(
                        "a",
                        KvCache.empty(),
                        Lora.empty(),
                        Tensors.full(Double.NaN, DType.FLOAT32, Device.CPU, 1, 256, 192));
                pipeline.base().generate(REQUEST.toBuilder().positive(side).build());
            }
        });
    }

    @Test
    void anImageThatIsRefused() {
        isFlat(InvalidRequestException.class, "'latents'", () -> {
            try (Scope _ = new Scope()) {
                pipeline.base().models().decode(Tensors.full(1, DType.FLOAT32, Device.CPU, 1, 3, 1 << 10, 1 << 8));
            }
        });
    }
}
