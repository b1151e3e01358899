package io.stencil.template.load;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.error.TemplateException;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.nn.WeightLoader;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.ModelSet;
import io.stencil.safetensors.Checkpoint;
import io.stencil.template.TemplateModel;
import io.stencil.template.Weights;
import io.stencil.template.value.ValueInput;
import io.stencil.template.value.ValueLayout;
import io.stencil.template.value.ValueTemplate;
import io.stencil.tensor.TorchGenerator;
import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// A Template in a folder: `Model.java` or `model.jar`, and weights; or weights alone, of a family that is built in.
///
/// A source file is compiled once for one object of this class.
public final class TemplateFolder implements TemplateSource {

    private static final String SOURCE = "Model.java";
    private static final String JAR = "model.jar";

    private final Path folder;
    private @Nullable EntryPoint<?, ?> entry;

    /// @throws TemplateException when there is no such folder
    public TemplateFolder(Path folder) {
        this.folder = folder;
        if (!Files.isDirectory(folder)) {
            throw new TemplateException(folder, "is not a folder; a Template is a folder with Model.java and weights");
        }
    }

    public Path folder() {
        return folder;
    }

    /// The inputs that the folder's code declares, for people; empty for a folder of weights alone.
    ///
    /// Compiles the source and constructs its entry point, and needs no base model.
    ///
    /// @throws TemplateException when the entry point breaks the contract
    public Optional<String> describeInputs() {
        return declared().map(point -> point.inputs().describe());
    }

    @Override
    public void check(Flux2Pipeline base) {
        TransformerConfig config = base.models().requireTransformer().config();
        check(entry(config), config);
    }

    @Override
    public LoadedTemplate<?, ?> load(Flux2Pipeline base) {
        return load(entry(base.models().requireTransformer().config()), base.models());
    }

    private <I extends Record, P extends Record> void check(EntryPoint<I, P> point, TransformerConfig config) {
        try (TemplateModel<I, P> model = model(point, config)) {
            if (files(point).isPresent()) {
                try (Checkpoint checkpoint = Checkpoint.open(files(point).get())) {
                    WeightLoader.check(model, checkpoint);
                }
            }
        }
    }

    private <I extends Record, P extends Record> LoadedTemplate<I, P> load(EntryPoint<I, P> point, ModelSet base) {
        TemplateModel<I, P> model = model(point, base.requireTransformer().config());
        try {
            Optional<List<Path>> files = files(point);
            if (files.isPresent()) {
                new WeightLoader(base.dtype(), base.device()).load(model, Checkpoint.open(files.get()));
            } else {
                try (TorchGenerator generator = new TorchGenerator(seed(weights(point)))) {
                    model.initialize(base.dtype(), base.device(), generator);
                }
            }
            return new LoadedTemplate<>(model, point.inputs(), point.rows());
        } catch (RuntimeException e) {
            model.close();
            throw e;
        }
    }

    private static <I extends Record, P extends Record> TemplateModel<I, P> model(
            EntryPoint<I, P> point, TransformerConfig config) {
        TemplateModel<I, P> model;
        try {
            model = point.template().model(config);
        } catch (RuntimeException e) {
            throw EntryPoint.authorFault(point.origin(), "model(base)", e);
        }
        if (model == null) {
            throw new TemplateException(point.origin(), "model(base) returned null; it must return the network");
        }
        return model;
    }

    private static Weights weights(EntryPoint<?, ?> point) {
        Weights weights;
        try {
            weights = point.template().weights();
        } catch (RuntimeException e) {
            throw EntryPoint.authorFault(point.origin(), "weights()", e);
        }
        if (weights == null) {
            throw new TemplateException(point.origin(), "weights() returned null; it must say where the weights lie");
        }
        return weights;
    }

    /// The files of the weights; empty for random ones.
    private Optional<List<Path>> files(EntryPoint<?, ?> point) {
        return switch (weights(point)) {
            case Weights.Files(List<String> paths) ->
                Optional.of(paths.stream().map(path -> existing(point, path)).toList());
            case Weights.Random _ -> Optional.empty();
            case Weights.FileOrRandom(String path, long _) ->
                Files.exists(inside(point, path)) ? Optional.of(List.of(inside(point, path))) : Optional.empty();
        };
    }

    private static long seed(Weights weights) {
        return switch (weights) {
            case Weights.Random(long seed) -> seed;
            case Weights.FileOrRandom(String _, long seed) -> seed;
            case Weights.Files _ -> throw new IllegalStateException("weights in files need no seed");
        };
    }

    private Path existing(EntryPoint<?, ?> point, String path) {
        Path file = inside(point, path);
        if (!Files.isRegularFile(file)) {
            throw new TemplateException(
                    point.origin(),
                    "weights() names '%s', but %s holds %s".formatted(path, folder, NameList.of(content())));
        }
        return file;
    }

    private Path inside(EntryPoint<?, ?> point, String path) {
        Path file = folder.resolve(path).normalize();
        if (Path.of(path).isAbsolute() || !file.startsWith(folder.normalize())) {
            throw new TemplateException(
                    point.origin(), "weights() names '%s', which is not inside the folder".formatted(path));
        }
        return file;
    }

    private EntryPoint<?, ?> entry(TransformerConfig config) {
        if (entry == null) {
            entry = findEntry(config);
        }
        return entry;
    }

    private EntryPoint<?, ?> findEntry(TransformerConfig config) {
        Optional<EntryPoint<?, ?>> declared = declared();
        return declared.isPresent() ? declared.get() : builtIn(config);
    }

    /// The entry point of `Model.java` or `model.jar`.
    private Optional<EntryPoint<?, ?>> declared() {
        Path source = folder.resolve(SOURCE);
        Path jar = folder.resolve(JAR);
        if (Files.exists(source) && Files.exists(jar)) {
            throw new TemplateException(
                    folder, "holds both Model.java and model.jar; remove the one that is not meant");
        }
        if (Files.exists(source)) {
            return Optional.of(EntryPoint.find(source, SourceCompiler.compile(source)));
        }
        return Files.exists(jar) ? Optional.of(EntryPoint.find(jar, jarLoader(jar))) : Optional.empty();
    }

    private static ClassLoader jarLoader(Path jar) {
        try {
            return new URLClassLoader(
                    "template", new URL[] {jar.toUri().toURL()}, TemplateFolder.class.getClassLoader());
        } catch (MalformedURLException e) {
            throw new InvalidFileException(Location.of(jar), "has a name that Java cannot load from", e);
        }
    }

    private EntryPoint<?, ?> builtIn(TransformerConfig config) {
        List<String> files =
                content().stream().filter(name -> name.endsWith(".safetensors")).toList();
        if (files.isEmpty()) {
            throw new TemplateException(
                    folder, "holds no Model.java, no model.jar and no weights, found " + NameList.of(content()));
        }
        try (Checkpoint weights =
                Checkpoint.open(files.stream().map(folder::resolve).toList())) {
            ValueLayout layout = ValueLayout.of(weights.entries(), config, folder)
                    .orElseThrow(() -> new TemplateException(
                            folder,
                            ("has no Model.java, and its weights are of no family that is built in: files %s; tensors %s;"
                                            + " add a Model.java that declares a module with these names")
                                    .formatted(
                                            NameList.of(content()),
                                            NameList.of(weights.entries().keySet()))));
            return EntryPoint.of(folder, new ValueTemplate(layout, files), ValueInput.class);
        }
    }

    private List<String> content() {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(folder), "cannot be listed: " + e, e);
        }
    }
}
