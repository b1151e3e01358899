package io.stencil.template.load;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.error.TemplateException;
import io.stencil.files.FetchedFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// What lies in a Template's folder.
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
            throw new TemplateException(path, "holds both Model.java and model.jar; remove the one that is not meant");
        }
        if (Files.exists(source)) {
            return Optional.of(EntryPoint.find(source, SourceCompiler.compile(CodeFile.read(source, trusted))));
        }
        return Files.exists(jar)
                ? Optional.of(EntryPoint.find(jar, JarClasses.loader(CodeFile.read(jar, trusted))))
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
