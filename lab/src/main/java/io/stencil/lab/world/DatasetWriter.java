package io.stencil.lab.world;

import io.stencil.error.InvalidRequestException;
import io.stencil.files.AtomicFile;
import io.stencil.files.AtomicFolder;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImageWriter;
import io.stencil.json.Json;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.IntConsumer;

/// Writes a dataset: the folder appears whole or not at all.
public final class DatasetWriter {

    /// Name of the file with a row a line.
    public static final String METADATA = "metadata.jsonl";

    private DatasetWriter() {}

    /// Sample.Row N and its images follow from kind, seed, side and N alone.
    ///
    /// @param folder that must be absent or empty
    /// @param written told the number of rows written so far
    /// @throws io.stencil.error.InvalidRequestException when there is something in `folder`
    /// @throws IOException when it cannot be written; `folder` is then as it was
    public static void write(DatasetPlan plan, Path folder, IntConsumer written) throws IOException {
        AtomicFolder.write(folder, temporary -> {
            StringBuilder rows = new StringBuilder();
            for (int index = 0; index < plan.count(); index++) {
                Sample sample = sample(plan, index);
                for (Sample.Picture picture : sample.pictures()) {
                    RgbImageWriter.write(picture.image(), temporary.resolve(picture.path()));
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
    public record DatasetPlan(DatasetKind kind, int count, long seed, int side) {

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
}
