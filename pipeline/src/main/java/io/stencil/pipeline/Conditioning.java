package io.stencil.pipeline;

import io.stencil.flux2.transformer.ImageTokens;
import io.stencil.flux2.transformer.TextTokens;
import io.stencil.flux2.transformer.TokenIds;
import io.stencil.image.RgbImage;
import io.stencil.pipeline.models.ModelSet;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Encodings of images and a prompt by the frozen VAE and text encoder.
///
/// No Template has a part in them, so that training may encode a row once and keep the result.
///
/// @param promptEmbeds `[1, St, joint]`, in the dtype of activations
public record Conditioning(Images images, Tensor promptEmbeds) {

    /// Encodings of images, in the dtype of activations.
    ///
    /// @param latents of the input image, normalised, `[1, 128, H/16, W/16]`; null without one
    /// @param references tokens of the edit images in their order; number i has the ids (10 + 10 i, row, column, 0)
    public record Images(@Nullable Tensor latents, List<ImageTokens> references) {

        public Images {
            references = List.copyOf(references);
        }

        /// Encodes images with the VAE.
        ///
        /// @param input has sides that are multiples of 16
        /// @throws io.stencil.error.InvalidRequestException when there is an image and the models have no VAE, or its
        ///     latents are not finite
        public static Images encode(ModelSet models, @Nullable RgbImage input, @Nullable EditImages edit) {
            Tensor latents = input == null ? null : models.encode(input);
            List<ImageTokens> references = new ArrayList<>();
            for (RgbImage image : edit == null ? List.<RgbImage>of() : edit.sized()) {
                Tensor tokens = ImageTokens.flatten(models.encode(image));
                Tensor ids = TokenIds.reference(references.size(), image.height() / 16, image.width() / 16);
                references.add(new ImageTokens(tokens, ids));
            }
            return new Images(latents, references);
        }

        /// Replaces every tensor by its copy.
        public Images map(UnaryOperator<Tensor> copy) {
            return new Images(
                    latents == null ? null : copy.apply(latents),
                    references.stream()
                            .map(image -> new ImageTokens(copy.apply(image.latents()), copy.apply(image.ids())))
                            .toList());
        }
    }

    /// Replaces every tensor by its copy.
    public Conditioning map(UnaryOperator<Tensor> copy) {
        return new Conditioning(images.map(copy), copy.apply(promptEmbeds));
    }

    /// Encodes images, then the prompt.
    ///
    /// @param input has sides that are multiples of 16
    /// @throws io.stencil.error.InvalidRequestException when the models lack the VAE or text encoder that is needed, or
    ///     results are not finite
    public static Conditioning encode(
            ModelSet models, @Nullable RgbImage input, @Nullable EditImages edit, String prompt) {
        return new Conditioning(Images.encode(models, input, edit), models.encodePrompt(prompt));
    }

    /// Encodes another prompt beside the same images.
    public Conditioning withPrompt(ModelSet models, String prompt) {
        return new Conditioning(images, models.encodePrompt(prompt));
    }

    /// Adds token ids to the prompt's embeddings and appends a Template's text embedding.
    ///
    /// @param textEmbedding `[1, S, joint]`, or null for none
    public TextTokens textTokens(ModelSet models, @Nullable Tensor textEmbedding) {
        TextTokens text = TextTokens.of(promptEmbeds);
        return textEmbedding == null ? text : text.append(models.device().place(textEmbedding, models.compute()));
    }
}
