package io.stencil.pipeline.models;

import io.stencil.json.ConfigJson;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// How a transformer was trained, from which the defaults of a request follow.
public enum ModelKind {
    /// FLUX.2 klein, distilled to few steps, with guidance trained in.
    DISTILLED(4, 1),
    /// FLUX.2 klein base.
    BASE(50, 4),
    /// Any other model.
    OTHER(30, 1);

    private static final String INDEX = "model_index.json";

    /// The file, its folder `transformer`, and the model's folder.
    private static final int LEVELS = 3;

    /// The same in Hugging Face's cache: `models--OWNER--NAME/snapshots/COMMIT/transformer/FILE`.
    private static final int CACHE_LEVELS = 5;

    private static final String CACHED = "models--";

    private static final Pattern NAME = Pattern.compile("flux[ ._-]?2.*klein(.*)");

    private final int steps;
    private final double cfgScale;

    ModelKind(int steps, double cfgScale) {
        this.steps = steps;
        this.cfgScale = cfgScale;
    }

    /// Denoising steps of a request that sets none.
    public int steps() {
        return steps;
    }

    /// Guidance of a request that sets none; 1 is none.
    public double cfgScale() {
        return cfgScale;
    }

    /// Reads `is_distilled` of the `model_index.json` beside the transformer's folder; without it the names of the file
    /// and of the folders above decide, such as `FLUX.2-klein-base-4B`.
    ///
    /// @param transformer the files of the transformer, or its folder
    /// @throws io.stencil.error.InvalidFileException when that `model_index.json` is broken
    static ModelKind of(List<Path> transformer) {
        Path file = transformer.getFirst().toAbsolutePath().normalize();
        return indexed(file).or(() -> named(file)).orElse(OTHER);
    }

    private static Optional<ModelKind> indexed(Path file) {
        Path folder = file.getParent();
        for (int level = 1; level < LEVELS && folder != null; level++) {
            Path index = folder.resolve(INDEX);
            if (Files.isRegularFile(index)) {
                ConfigJson json = ConfigJson.read(index);
                return json.has("is_distilled")
                        ? Optional.of(json.flag("is_distilled", false) ? DISTILLED : BASE)
                        : Optional.empty();
            }
            folder = folder.getParent();
        }
        return Optional.empty();
    }

    private static Optional<ModelKind> named(Path file) {
        Path path = file;
        for (int level = 0; level < CACHE_LEVELS && path != null; level++) {
            String name = String.valueOf(path.getFileName()).toLowerCase(Locale.ROOT);
            Matcher matcher = NAME.matcher(name);
            if ((level < LEVELS || name.startsWith(CACHED)) && matcher.find()) {
                return Optional.of(matcher.group(1).contains("base") ? BASE : DISTILLED);
            }
            path = path.getParent();
        }
        return Optional.empty();
    }
}
