package io.stencil.template.load;

import io.stencil.error.Arguments;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.error.TemplateException;
import io.stencil.files.FetchedFolder;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.safetensors.Checkpoint;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.template.TemplateModel;
import io.stencil.template.Weights;
import io.stencil.template.image.EncodedImage;
import io.stencil.template.image.ImageTemplate;
import io.stencil.template.value.ValueLayout;
import io.stencil.template.value.ValueTemplate;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// A Template in a folder: `Model.java` or `model.jar`, and weights; or weights alone, of a family that is built in.
///
/// A source file is compiled once for one object of this class.
public final class TemplateFolder implements TemplateSource {

    private final FolderContent content;
    private @Nullable EntryPoint<?, ?> declared;

    /// A folder of one's own, or one without code.
    ///
    /// @throws TemplateException when there is no such folder, or it holds code and was fetched from a hub
    public TemplateFolder(Path folder) {
        this(folder, TrustedCode.OWN);
    }

    /// A folder whose code may run when it is that which is trusted. The bytes that are compiled are the ones that are
    /// held against it.
    ///
    /// @throws TemplateException when there is no such folder, or it holds other code
    public TemplateFolder(Path folder, TrustedCode trusted) {
        this.content = new FolderContent(Arguments.require("folder", folder), Arguments.require("trusted", trusted));
        if (!Files.isDirectory(folder)) {
            throw new TemplateException(folder, "is not a folder; a Template is a folder with Model.java and weights");
        }
        content.requireTrusted();
    }

    public Path folder() {
        return content.path();
    }

    /// The code that may run, as it was given.
    public TrustedCode trustedCode() {
        return content.trusted();
    }

    /// The inputs that the folder's code declares, for people; empty for a folder of weights alone.
    ///
    /// Compiles the source and constructs its entry point, and needs no base model.
    ///
    /// @throws TemplateException when the entry point breaks the contract
    public Optional<String> describeInputs() {
        return declared().map(point -> point.inputs().describe());
    }

    /// The fields that the data processor of the folder's code reads from `template_inputs` of a dataset row, for
    /// people; empty without a data processor: rows have the inputs, then.
    ///
    /// @throws TemplateException when the entry point breaks the contract
    public Optional<String> describeRows() {
        return declared().flatMap(EntryPoint::processedRows).map(RecordBinder::describe);
    }

    /// The inputs of the built-in family that a folder of weights alone belongs to, for people.
    ///
    /// @throws TemplateException when the weights are of no such family
    public String describeBuiltInInputs() {
        return builtInBinder().describe();
    }

    private RecordBinder<?> builtInBinder() {
        if (content.hasWeights()) {
            try (Checkpoint weights = Checkpoint.open(folder())) {
                if (ImageTemplate.isIn(weights.entries())) {
                    return new RecordBinder<>(ImageTemplate.Input.class);
                }
                if (!ValueLayout.isIn(weights.entries())) {
                    throw noFamily(weights);
                }
            }
        }
        return new RecordBinder<>(ValueTemplate.Input.class);
    }

    @Override
    public InputBinder<?> inputBinder(Flux2Pipeline base) {
        return entry(config(base)).inputs();
    }

    /// Binds a dataset's rows as a training does, by the data processor where there is one. A folder of weights
    /// alone has the inputs of the built-in family.
    ///
    /// Compiles the source and constructs its entry point, and needs no base model.
    ///
    /// @throws TemplateException when the entry point breaks the contract, or weights alone are of no built-in family
    public InputBinder<?> rowBinder() {
        Optional<EntryPoint<?, ?>> own = declared();
        return own.isPresent() ? own.get().rows() : builtInBinder();
    }

    /// The weights that the folder's code declares; empty for a folder of weights alone.
    ///
    /// @throws TemplateException when the entry point breaks the contract
    public Optional<Weights> declaredWeights() {
        return declared().map(EntryPoint::weights);
    }

    /// The files of the weights, with the tensors that belong to each.
    ///
    /// @throws TemplateException when the contract is broken or a file is absent
    /// @throws InvalidFileException when the files do not fit the model
    public List<WeightContent> weightContent(Flux2Pipeline base) {
        TransformerConfig config = config(base);
        return weightContent(entry(config), config);
    }

    private <I extends Record, P extends Record> List<WeightContent> weightContent(
            EntryPoint<I, P> point, TransformerConfig config) {
        try (TemplateModel<I, P> model = point.model(config)) {
            return WeightFiles.find(point.weights(), content, point.origin()).content(model);
        }
    }

    /// A file of weights that the Template's code names, with the tensors that belong to it.
    ///
    /// @param path relative to the folder; empty where the weights are random in any case
    /// @param prefix of the tensors' names in the model, which those in the file lack
    /// @param files that hold the tensors now, itself or its shards; none while they are random
    /// @param names of the tensors in the model
    public record WeightContent(String path, String prefix, List<Path> files, Set<String> names) {}

    @Override
    public void check(Flux2Pipeline base) {
        TransformerConfig config = config(base);
        check(entry(config), config);
    }

    @Override
    public LoadedTemplate<?, ?> load(Flux2Pipeline base) {
        return load(entry(config(base)), base.models());
    }

    private static TransformerConfig config(Flux2Pipeline base) {
        return Arguments.require("base", base).models().requireTransformer().config();
    }

    private <I extends Record, P extends Record> void check(EntryPoint<I, P> point, TransformerConfig config) {
        try (TemplateModel<I, P> model = point.model(config)) {
            WeightFiles.find(point.weights(), content, point.origin()).check(model);
        }
    }

    private <I extends Record, P extends Record> LoadedTemplate<I, P> load(EntryPoint<I, P> point, ModelSet base) {
        TemplateModel<I, P> model = point.model(base.requireTransformer().config());
        try {
            WeightFiles weights = WeightFiles.find(point.weights(), content, point.origin());
            try {
                weights.load(model, base);
            } catch (InvalidFileException e) {
                AuthorFields.requireRegistered(point.origin(), model); // which would be why they do not fit
                throw e;
            }
            AuthorFields.requireRegistered(point.origin(), model);
            return new LoadedTemplate<>(point, model);
        } catch (RuntimeException e) {
            model.close();
            throw e;
        }
    }

    private EntryPoint<?, ?> entry(TransformerConfig config) {
        Optional<EntryPoint<?, ?>> own = declared();
        return own.isPresent() ? own.get() : builtIn(config);
    }

    private synchronized Optional<EntryPoint<?, ?>> declared() {
        if (declared == null) {
            declared = content.declared().orElse(null);
        }
        return Optional.ofNullable(declared);
    }

    private EntryPoint<?, ?> builtIn(TransformerConfig config) {
        if (!content.hasWeights()) {
            throw content.noEntryPoint("and no weights");
        }
        try (Checkpoint weights = Checkpoint.open(folder())) {
            List<String> files = weights.files().stream()
                    .map(SafetensorsFile::path)
                    .map(file -> folder().relativize(file).toString())
                    .toList();
            Optional<ImageTemplate> image = ImageTemplate.of(weights.entries(), config, files, folder());
            if (image.isPresent()) {
                return EntryPoint.of(folder(), image.get(), ImageTemplate.Input.class, EncodedImage.class);
            }
            ValueLayout layout =
                    ValueLayout.of(weights.entries(), config, folder()).orElseThrow(() -> noFamily(weights));
            return EntryPoint.of(
                    folder(), new ValueTemplate(layout, files), ValueTemplate.Input.class, ValueTemplate.Input.class);
        }
    }

    private TemplateException noFamily(Checkpoint weights) {
        return content.noEntryPoint("and its weights are of no family that is built in: tensors "
                + NameList.of(weights.entries().keySet()));
    }

    /// The content of a Template's folder.
    ///
    /// @param trusted code of it that may run
    record FolderContent(Path path, TrustedCode trusted) {

        private static final String SOURCE = "Model.java";
        private static final String JAR = "model.jar";
        private static final String PYTHON_SOURCE = "model.py";

        /// Names of the visible files and folders, sorted.
        ///
        /// @throws InvalidFileException when the folder cannot be listed
        List<String> names() {
            try (Stream<Path> files = Files.list(path)) {
                return files.map(file -> file.getFileName().toString())
                        .filter(name -> !name.startsWith("."))
                        .sorted()
                        .toList();
            } catch (IOException e) {
                throw new InvalidFileException(Location.of(path), "cannot be listed: " + e, e);
            }
        }

        /// The entry point of `Model.java` or `model.jar`; empty when the folder has neither.
        ///
        /// @throws TemplateException when it has both, or the entry point breaks the contract
        Optional<EntryPoint<?, ?>> declared() {
            Path source = path.resolve(SOURCE);
            Path jar = path.resolve(JAR);
            if (Files.exists(source) && Files.exists(jar)) {
                throw new TemplateException(
                        path, "holds both Model.java and model.jar; remove the one that is not meant");
            }
            if (Files.exists(source)) {
                return Optional.of(EntryPoint.find(source, SourceCompiler.compile(CodeFile.read(source, trusted))));
            }
            return Files.exists(jar)
                    ? Optional.of(EntryPoint.find(jar, TemplateClassLoader.ofJar(CodeFile.read(jar, trusted))))
                    : Optional.empty();
        }

        /// Refuses code that may not run, before anything else is done for it.
        ///
        /// @throws TemplateException naming path and hash of the code
        void requireTrusted() {
            for (String name : List.of(SOURCE, JAR)) {
                if (Files.exists(path.resolve(name))) {
                    CodeFile.read(path.resolve(name), trusted);
                }
            }
        }

        boolean hasWeights() {
            return names().stream().anyMatch(name -> name.endsWith(".safetensors"));
        }

        /// An error about a folder that has no entry point, with what it holds and how to go on.
        ///
        /// @param why what keeps the folder from being a Template of a built-in family
        TemplateException noEntryPoint(String why) {
            List<String> atHub = listed();
            String more = atHub.isEmpty() ? "" : ", at its hub " + NameList.of(atHub);
            String what = Files.exists(path.resolve(PYTHON_SOURCE)) || atHub.contains(PYTHON_SOURCE)
                    ? "model.py is for Python: write the same network as Model.java, with the same names of submodules"
                    : "add a Model.java, which is 'public final class Model implements Template<...>' and names its parts"
                            + " as the tensors are named ('stencil new-template' writes one to begin with)";
            String where = atHub.isEmpty() ? "" : "; do so in a folder of your own, beside a copy of the weights";
            return new TemplateException(
                    path,
                    "has no Model.java and no model.jar, %s; found %s%s; %s%s"
                            .formatted(why, NameList.of(names()), more, what, where));
        }

        private List<String> listed() {
            try {
                return FetchedFolder.listed(path);
            } catch (IOException e) {
                throw new InvalidFileException(Location.of(path), "cannot be read: " + e, e);
            }
        }
    }
}
