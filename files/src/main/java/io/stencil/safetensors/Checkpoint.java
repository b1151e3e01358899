package io.stencil.safetensors;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;

/// One or more files that hold the tensors of one model, seen as one set; no name may be in two files.
public final class Checkpoint implements TensorSource {

    private static final String SHARD_SUFFIX = ".safetensors";

    private final List<SafetensorsFile> files;
    private final Map<String, SafetensorsFile> owners = new LinkedHashMap<>();
    private final Map<String, TensorEntry> entries = new LinkedHashMap<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();

    private Checkpoint(List<SafetensorsFile> files) {
        this.files = List.copyOf(files);
        for (SafetensorsFile file : files) {
            for (TensorEntry entry : file.entries().values()) {
                SafetensorsFile other = owners.putIfAbsent(entry.name(), file);
                if (other != null) {
                    throw new InvalidFileException(
                            Location.of(file.path()).field(entry.name()),
                            "this tensor is also in " + other.path() + "; one name may be in one file only");
                }
                entries.put(entry.name(), entry);
            }
        }
        mergeMetadata();
    }

    /// Opens what `path` names; the caller closes it.
    ///
    /// - a file: itself, or all that it lists when it is a `*.safetensors.index.json`
    /// - a folder: all that its one index lists, else every `*.safetensors` file in it
    ///
    /// @throws InvalidFileException when there is nothing to open, a shard is missing or broken, the index and the
    ///     shards differ, a tensor is in two files, or the folder also holds the one file that the index stands for
    public static Checkpoint open(Path path) {
        if (!Files.isDirectory(path)) {
            return path.toString().endsWith(ShardIndex.SUFFIX) ? openIndex(path) : open(List.of(path));
        }
        List<Path> content = list(path);
        List<Path> indexes = endingWith(content, ShardIndex.SUFFIX);
        if (indexes.size() > 1) {
            throw new InvalidFileException(
                    path, "holds more than one shard index; name one of " + NameList.of(names(indexes)));
        }
        if (!indexes.isEmpty()) {
            return openInsteadOfFile(indexes.getFirst());
        }
        List<Path> shards = endingWith(content, SHARD_SUFFIX);
        if (shards.isEmpty()) {
            throw new InvalidFileException(
                    path, "expected *%s in this folder, found %s".formatted(SHARD_SUFFIX, NameList.of(names(content))));
        }
        return open(shards);
    }

    /// Opens the weights that go by the name of one file: that file, or the shards that `FILE.index.json` beside its
    /// place lists; the caller closes it.
    ///
    /// @throws InvalidFileException when both are there, of which one is older weights, and as for [#open(Path)]
    public static Checkpoint openNamed(Path file) {
        Path index = indexOf(file);
        return Files.exists(index) ? openInsteadOfFile(index) : open(List.of(file));
    }

    /// Whether [#openNamed] has something to open.
    public static boolean isNamed(Path file) {
        return Files.isRegularFile(file) || Files.exists(indexOf(file));
    }

    private static Path indexOf(Path file) {
        return file.resolveSibling(file.getFileName() + ".index.json");
    }

    /// Opens these files as one set, in this order; the caller closes it.
    ///
    /// @param paths at least one
    /// @throws InvalidFileException when a file is broken or a tensor is in two files
    public static Checkpoint open(List<Path> paths) {
        return open(paths, _ -> {});
    }

    private static Checkpoint openInsteadOfFile(Path index) {
        ShardIndex.read(index).requireNoFileBeside();
        return openIndex(index);
    }

    private static Checkpoint openIndex(Path file) {
        ShardIndex index = ShardIndex.read(file);
        return open(index.files(), index::requireSame);
    }

    private static Checkpoint open(List<Path> paths, Consumer<List<SafetensorsFile>> check) {
        if (paths.isEmpty()) {
            throw new InvalidRequestException("paths", "a checkpoint has at least one file");
        }
        List<SafetensorsFile> files = new ArrayList<>();
        try {
            for (Path path : paths) {
                files.add(SafetensorsFile.open(path));
            }
            check.accept(files);
            return new Checkpoint(files);
        } catch (RuntimeException fault) {
            files.forEach(SafetensorsFile::close);
            throw fault;
        }
    }

    /// The files in the order in which they were opened.
    public List<SafetensorsFile> files() {
        return files;
    }

    @Override
    public Map<String, TensorEntry> entries() {
        return Collections.unmodifiableMap(entries);
    }

    @Override
    public TensorEntry entry(String name) {
        return owner(name).entry(name);
    }

    @Override
    public MemorySegment segment(String name) {
        return owner(name).segment(name);
    }

    @Override
    public void dropPages(String name) {
        owner(name).dropPages(name);
    }

    /// The strings of all files. A key whose values differ between files is left out: ask [#files] for it.
    @Override
    public Map<String, String> metadata() {
        return Collections.unmodifiableMap(metadata);
    }

    @Override
    public String origin(String name) {
        return owner(name).origin(name);
    }

    @Override
    public void close() {
        files.forEach(SafetensorsFile::close);
    }

    private SafetensorsFile owner(String name) {
        SafetensorsFile file = owners.get(name);
        if (file == null) {
            String place =
                    NameList.of(files.stream().map(f -> f.path().toString()).toList());
            throw SafetensorsFile.noSuchTensor(place, name, entries);
        }
        return file;
    }

    private void mergeMetadata() {
        Set<String> differing = new HashSet<>();
        for (SafetensorsFile file : files) {
            file.metadata().forEach((key, value) -> {
                String other = metadata.putIfAbsent(key, value);
                if (other != null && !other.equals(value)) {
                    differing.add(key);
                }
            });
        }
        metadata.keySet().removeAll(differing);
    }

    /// Visible content of a folder, sorted. Hidden files are what systems leave behind, not shards.
    private static List<Path> list(Path folder) {
        try (Stream<Path> content = Files.list(folder)) {
            return content.filter(path -> !path.getFileName().toString().startsWith("."))
                    .sorted()
                    .toList();
        } catch (IOException fault) {
            throw new InvalidFileException(Location.of(folder), "cannot be listed: " + fault, fault);
        }
    }

    private static List<Path> endingWith(List<Path> content, String suffix) {
        return content.stream()
                .filter(path -> path.toString().endsWith(suffix) && Files.isRegularFile(path))
                .toList();
    }

    private static List<String> names(List<Path> paths) {
        return paths.stream().map(path -> path.getFileName().toString()).toList();
    }
}
