package io.stencil.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.autograd.GradMode;
import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.transformer.ImageTokens;
import io.stencil.flux2.transformer.TextTokens;
import io.stencil.flux2.transformer.TokenIds;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.testing.TensorAssert;
import io.stencil.testing.TestFiles;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

/// Images and prompt are encoded by the VAE and the text encoder alone.
class ConditioningTest {

    private static final RgbImage INPUT = RgbImage.filled(new ImageSize(48, 32), 0x20_80_C0);

    private static ModelSet models(String... folders) {
        List<List<Path>> parts = Stream.of(folders)
                .map(folder -> List.of(TestFiles.tinyModel(folder)))
                .toList();
        return ModelSet.load(
                new ModelFiles(parts, TestFiles.tinyModel("tokenizer")), new LoadOptions(DType.FLOAT32, Device.CPU));
    }

    @Test
    void encodingNeedsNoTransformer() {
        RgbImage first = RgbImage.filled(new ImageSize(40, 32), 0xFF_00_00);
        RgbImage second = RgbImage.filled(new ImageSize(32, 64), 0x00_FF_00);
        try (ModelSet models = models("vae", "text_encoder");
                Scope _ = new Scope();
                GradMode _ = GradMode.disabled()) {
            Conditioning found =
                    Conditioning.encode(models, INPUT, new EditImages(List.of(first, second), false), "a leaf");
            Tensor latents = Objects.requireNonNull(found.images().latents());
            TensorAssert.assertSame("latents", latents, models.encode(INPUT));
            TensorAssert.assertSame("prompt", found.promptEmbeds(), models.encodePrompt("a leaf"));
            List<ImageTokens> references = found.images().references();
            assertThat(references).hasSize(2);
            TensorAssert.assertSame("second", references.get(1).latents(), ImageTokens.flatten(models.encode(second)));
            // 40 x 32 is cropped to 32 x 32
            TensorAssert.assertSame("first ids", references.get(0).ids(), TokenIds.reference(0, 2, 2));
            TensorAssert.assertSame("second ids", references.get(1).ids(), TokenIds.reference(1, 4, 2));

            Conditioning other = found.withPrompt(models, "a stone");
            assertThat(other.images()).isSameAs(found.images());
            TensorAssert.assertSame("other prompt", other.promptEmbeds(), models.encodePrompt("a stone"));
        }
    }

    @Test
    void withoutImagesNoVaeIsNeeded() {
        try (ModelSet models = models("text_encoder");
                Scope _ = new Scope()) {
            Conditioning found = Conditioning.encode(models, null, null, "a leaf");
            assertThat(found.images()).isEqualTo(new Conditioning.Images(null, List.of()));
            assertThatThrownBy(() -> Conditioning.encode(models, INPUT, null, "a leaf"))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessage("'model_paths': the pipeline was loaded without a VAE; add its files");
        }
    }

    /// Training differentiates a Template's text embedding, not the encodings.
    @Test
    void gradientsReachTheTextEmbeddingAlone() {
        try (ModelSet models = models("text_encoder");
                Scope _ = new Scope();
                GradMode _ = GradMode.enabled()) {
            Tensor embeds = Tensors.full(1, DType.FLOAT32, Device.CPU, 1, 3, 4);
            Tensor extra = Tensors.full(2, DType.FLOAT32, Device.CPU, 1, 2, 4).requires_grad_(true);
            Conditioning conditioning = new Conditioning(new Conditioning.Images(null, List.of()), embeds);
            assertThat(conditioning.textTokens(models, null).embeds().requires_grad())
                    .isFalse();
            TextTokens text = conditioning.textTokens(models, extra);
            assertThat(text.embeds().requires_grad()).isTrue();
            assertThat(Tensors.shape(text.embeds())).containsExactly(1, 5, 4);
            assertThat(Tensors.toFloats(text.embeds().detach()))
                    .startsWith(1, 1, 1)
                    .endsWith(2, 2, 2);
        }
    }
}
