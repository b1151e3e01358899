package io.stencil.lab.world;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.stencil.files.AtomicFile;
import io.stencil.files.AtomicFolder;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImageWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.IntConsumer;

/// Writes a dataset: the folder appears whole or not at all.
public final class DatasetWriter {

    /// Name of the file with a row a line.
    public static final String METADATA = "metadata.jsonl";

    private static final ObjectMapper JSON = new ObjectMapper();

    private DatasetWriter() {}

    /// Row N and its pictures follow from kind, seed, side and N alone.
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
                rows.append(JSON.writeValueAsString(sample.row())).append('\n');
                written.accept(index + 1);
            }
            AtomicFile.writeText(temporary.resolve(METADATA), rows.toString());
        });
    }

    static Sample sample(DatasetPlan plan, int index) {
        Sample.Builder builder = new Sample.Builder(index);
        ImageSize size = new ImageSize(plan.side(), plan.side());
        return builder.build(plan.kind().maker().make(new Draws(plan.seed(), index), builder, size));
    }
}
