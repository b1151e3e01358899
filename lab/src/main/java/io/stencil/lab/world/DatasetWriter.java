package io.stencil.lab.world;

import io.stencil.error.InvalidRequestException;
import io.stencil.files.AtomicFile;
import io.stencil.files.AtomicFolder;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImageWriter;
import io.stencil.json.Json;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.IntConsumer;

/// Writes a dataset: the folder appears whole or not at all.
public final class DatasetWriter {

    /// Name of the file with a row a line.
    public static final String METADATA = "metadata.jsonl";

    private DatasetWriter() {}

    /// Sample.Row N and its images follow from kind, seed, side and N alone.
    ///
    /// @param folder that must be absent or empty
    /// @param written receives the number of rows written so far
    /// @throws io.stencil.error.InvalidRequestException when there is something in `folder`
    /// @throws IOException when it cannot be written; `folder` is then as it was
    public static void write(DatasetPlan plan, Path folder, IntConsumer written) throws IOException {
        AtomicFolder.write(folder, temporary -> {
            StringBuilder rows = new StringBuilder();
            for (int index = 0; index < plan.count(); index++) {
                Sample sample = sample(plan, index);
                for (Sample.NamedImage image : sample.images()) {
                    RgbImageWriter.write(image.image(), temporary.resolve(image.path()));
                }
                rows.append(Json.MAPPER.writeValueAsString(sample.row())).append('\n');
                written.accept(index + 1);
            }
            AtomicFile.writeText(temporary.resolve(METADATA), rows.toString());
        });
    }

    static Sample sample(DatasetPlan plan, int index) {
        Sample.Builder builder = new Sample.Builder(index);
        ImageSize size = new ImageSize(plan.side(), plan.side());
        return builder.build(plan.kind().make(new Draws(plan.seed(), index), builder, size));
    }

    /// Which dataset to write.
    ///
    /// @param count rows
    /// @param seed of the world; a dataset of another seed holds other images, so one can be held out
    /// @param side of all images in pixels
    public record DatasetPlan(Kind kind, int count, long seed, int side) {

        /// Pixels of one latent token along a side.
        private static final int FACTOR = 16;

        private static final int LEAST_SIDE = 32;
        private static final int MOST_SIDE = 512;
        private static final int MOST_ROWS = 1_000_000;

        /// @throws InvalidRequestException naming what cannot be used
        public DatasetPlan {
            if (count < 1 || count > MOST_ROWS) {
                throw new InvalidRequestException("count", "must be 1 to %s, found %s".formatted(MOST_ROWS, count));
            }
            if (side < LEAST_SIDE || side > MOST_SIDE || side % FACTOR != 0) {
                throw new InvalidRequestException(
                        "size",
                        "must be a multiple of %s from %s to %s, found %s"
                                .formatted(FACTOR, LEAST_SIDE, MOST_SIDE, side));
            }
        }
    }

    /// The datasets that the world has, each with rows of its own form.
    public enum Kind {
        /// Images and captions.
        PLAIN,
        /// Plain images, and others in bright, dim or coloured light, out of focus, in a style, with dots or a frame,
        /// which their captions name.
        VARIED,
        /// `scale`: how bright the light is.
        BRIGHTNESS,
        /// `R`, `G`, `B`: how bright each channel is, under tinted light.
        RGB,
        /// `scale`: how sharp the image is.
        SHARPNESS,
        /// `image`: a map of depth, `prompt`: a caption that leaves size and position open.
        CONTROL,
        /// `image`: what is changed, `prompt`: how.
        EDIT,
        /// `image`: the image without its detail, `prompt`: its caption.
        UPSCALE,
        /// `image`: with another shape, `mask`: where that stands.
        INPAINT,
        /// `lora_ids`, `lora_scales`: which style, how much.
        STYLE,
        /// `image`: another scene under the same coloured light.
        REFERENCE,
        /// `n`: how many dots are below.
        ORDINAL,
        /// Nothing: every image has a white frame.
        CONSTANT;

        /// Makes one sample from its own draws; `images` receives its images, all of one size.
        Sample.Row make(Draws draws, Sample.Builder images, ImageSize size) {
            return switch (this) {
                case PLAIN -> Sample.plain(draws, images, size);
                case VARIED -> VariedSamples.varied(draws, images, size);
                case BRIGHTNESS -> Sample.brightness(draws, images, size);
                case RGB -> Sample.rgb(draws, images, size);
                case SHARPNESS -> Sample.sharpness(draws, images, size);
                case CONTROL -> Sample.control(draws, images, size);
                case EDIT -> Sample.edit(draws, images, size);
                case UPSCALE -> Sample.upscale(draws, images, size);
                case INPAINT -> Sample.inpaint(draws, images, size);
                case STYLE -> Sample.style(draws, images, size);
                case REFERENCE -> Sample.reference(draws, images, size);
                case ORDINAL -> Sample.ordinal(draws, images, size);
                case CONSTANT -> Sample.constant(draws, images, size);
            };
        }

        /// The name in lower case.
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }

        /// @throws InvalidRequestException for a name that no kind has
        public static Kind parse(String label) {
            for (Kind kind : values()) {
                if (kind.label().equals(label)) {
                    return kind;
                }
            }
            throw new InvalidRequestException(
                    "kind", "expected one of %s; found '%s'".formatted(String.join(", ", labels()), label));
        }

        /// All names.
        public static List<String> labels() {
            return Arrays.stream(values()).map(Kind::label).toList();
        }
    }
}
