package io.stencil.template.load;

import io.stencil.error.NameList;
import io.stencil.error.TemplateException;
import io.stencil.nn.Module;
import io.stencil.nn.Module.OpenPass;
import io.stencil.nn.WeightLoader;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.safetensors.Checkpoint;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.template.TemplateModel;
import io.stencil.template.Weights;
import io.stencil.tensor.TorchGenerator;
import java.nio.file.Path;
import java.util.List;

/// Weight files that a Template's `weights()` names, found in its folder.
///
/// @param files none for random weights
/// @param seed of random weights
record WeightFiles(List<Path> files, long seed) {

    /// @param origin the file that declares the weights, for messages
    /// @throws TemplateException when a file is absent or does not lie inside the folder
    /// @throws io.stencil.error.InvalidFileException when weights lie there both in one file and in shards
    static WeightFiles find(Weights weights, TemplateFolder.FolderContent folder, Path origin) {
        return switch (weights) {
            case Weights.Files(List<String> paths) ->
                new WeightFiles(
                        paths.stream()
                                .flatMap(path -> existing(path, folder, origin).stream())
                                .toList(),
                        0);
            case Weights.Random(long seed) -> new WeightFiles(List.of(), seed);
            case Weights.FileOrRandom(String path, long seed) -> {
                Path file = inside(path, folder, origin);
                yield new WeightFiles(named(file), seed);
            }
        };
    }

    /// The file, or the shards that stand for it; none when there is neither.
    private static List<Path> named(Path file) {
        if (!Checkpoint.isNamed(file)) {
            return List.of();
        }
        try (Checkpoint checkpoint = Checkpoint.openNamed(file)) {
            return checkpoint.files().stream().map(SafetensorsFile::path).toList();
        }
    }

    private static List<Path> existing(String path, TemplateFolder.FolderContent folder, Path origin) {
        Path file = inside(path, folder, origin);
        List<Path> files = named(file);
        if (files.isEmpty()) {
            throw new TemplateException(
                    origin,
                    "weights() names '%s', but %s holds %s"
                            .formatted(path, folder.path(), NameList.of(folder.names())));
        }
        return files;
    }

    private static Path inside(String path, TemplateFolder.FolderContent folder, Path origin) {
        Path root = folder.path().toAbsolutePath().normalize();
        if (Path.of(path).isAbsolute() || !root.resolve(path).normalize().startsWith(root)) {
            throw new TemplateException(origin, "weights() names '%s', which is not inside the folder".formatted(path));
        }
        return folder.path().resolve(path);
    }

    /// Compares names, shapes and kinds of dtype with the module, from the headers alone.
    ///
    /// @throws io.stencil.error.InvalidFileException when they do not fit
    void check(Module model) {
        if (!files.isEmpty()) {
            try (Checkpoint checkpoint = Checkpoint.open(files)) {
                WeightLoader.check(model, checkpoint);
            }
        }
    }

    /// Fills the model, in the dtype and on the device of `base`.
    ///
    /// @throws io.stencil.error.InvalidFileException when the files do not fit
    /// @throws TemplateException when the author's `initializeFrom` fails
    void load(TemplateModel<?, ?> model, ModelSet base, Path origin) {
        if (!files.isEmpty()) {
            new WeightLoader(base.dtype(), base.device()).load(model, Checkpoint.open(files));
            return;
        }
        try (TorchGenerator generator = new TorchGenerator(seed)) {
            model.initialize(base.dtype(), base.device(), generator);
        }
        try (OpenPass _ = base.requireTransformer().openPass()) {
            new AuthorCode(origin, model).run("initializeFrom(base)", () -> model.initializeFrom(base));
        }
    }
}
