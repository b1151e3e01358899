package io.stencil.train.step;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.stencil.autograd.ActivationPolicy;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.TemplateFolder;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.AllocatedMemory;
import io.stencil.testing.ResidentMemory;
import io.stencil.testing.ShortPrompts;
import io.stencil.testing.TestFiles;
import io.stencil.train.checkpoint.TrainableParts;
import io.stencil.train.data.Sample;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// The most memory that a step takes follows what it keeps of its activations.
@Tag("memory")
class TrainingStepMemoryTest {

    private static final Path FOLDER = TestFiles.root().resolve("train/src/test/resources/templates/shared_trunk");

    /// Many small edit images make a pass of the transformer that is large beside the encoding.
    private static final RgbImage PICTURE = RgbImage.filled(new ImageSize(256, 256), 0x4080C0);

    private static Sample sample(LoadedTemplate<?, ?> template) {
        return Sample.of(
                "a wall",
                new Sample.Content(
                        PICTURE,
                        Collections.nCopies(10, PICTURE),
                        template.bindRow(JsonNodeFactory.instance.objectNode().put("scale", 0.7), FOLDER)));
    }

    @Test
    void recomputedActivationsTakeNone() {
        AllocatedMemory.mapLargeBlocks();
        try (Flux2Pipeline pipeline = Flux2Pipeline.load(
                        ModelFiles.in(ShortPrompts.model()), new LoadOptions(DType.FLOAT32, Device.CPU));
                LoadedTemplate<?, ?> template = new TemplateFolder(FOLDER).load(pipeline)) {
            TrainableParts.select(List.of("template_model"), pipeline, template);
            peak(pipeline, template, new ActivationPolicy.Recompute(false)); // warm-up
            long recomputed = peak(pipeline, template, new ActivationPolicy.Recompute(false));
            long some = peak(pipeline, template, new ActivationPolicy.Within(40L << 20, false));
            long kept = peak(pipeline, template, new ActivationPolicy.Keep());
            assertThat(kept - recomputed).isGreaterThan(64L << 20);
            assertThat(List.of(some - recomputed, kept - some)).allMatch(difference -> difference > 16L << 20);
        }
    }

    /// From the draw on, when pictures are encoded.
    private static long peak(Flux2Pipeline pipeline, LoadedTemplate<?, ?> template, ActivationPolicy activations) {
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(5)) {
            NoiseDraws draws = NoiseDraws.from(generator);
            new TrainingStep(pipeline, template, activations, _ -> {})
                    .accumulate(
                            List.of(sample(template)),
                            (dtype, shape) -> {
                                ResidentMemory.resetPeak();
                                return draws.next(dtype, shape);
                            },
                            1);
        }
        return ResidentMemory.peakBytes();
    }
}
