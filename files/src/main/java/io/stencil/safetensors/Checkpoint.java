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
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// Joins one or more files with the tensors of one model to one set; no name may be in two files.
public final class Checkpoint implements TensorSource {

    private static final String SHARD_SUFFIX = ".safetensors";

    /// `NAME.VARIANT.safetensors`, also of a shard: what Hugging Face's libraries write beside `NAME.safetensors`.
    private static final Pattern VARIANT =
            Pattern.compile("(.+?)\\.\\w+((?:-\\d+-of-\\d+)?\\.safetensors(?:\\.index\\.json)?)");

    private final List<SafetensorsFile> files;
    private final List<Path> variants = new ArrayList<>();
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

    /// Opens a file, an index or a folder; the caller closes it.
    ///
    /// - a file: itself, or all that it lists when it is a `*.safetensors.index.json`
    /// - a folder: all that its one index lists, else every `*.safetensors` file in it, but for variants: of
    ///   `NAME.safetensors` and `NAME.fp16.safetensors` with the same tensors the first is opened
    ///
    /// @throws InvalidFileException when there is nothing to open, a shard is missing or broken, the index and the
    ///     shards differ, a tensor is in two files, or the folder also holds the one file that the index stands for
    public static Checkpoint open(Path path) {
        if (!Files.isDirectory(path)) {
            return path.toString().endsWith(ShardIndex.SUFFIX) ? openIndex(path) : open(List.of(path));
        }
        List<Path> content = list(path);
        List<Path> indexes = endingWith(content, ShardIndex.SUFFIX).stream()
                .filter(index -> plainOf(index).equals(index) || !content.contains(plainOf(index)))
                .toList();
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
        List<Path> variants =
                shards.stream().filter(shard -> isVariant(shard, shards)).toList();
        Checkpoint checkpoint =
                open(shards.stream().filter(shard -> !variants.contains(shard)).toList());
        checkpoint.variants.addAll(variants);
        return checkpoint;
    }

    /// Checks whether a file repeats the tensors of another one in its folder, in another dtype say.
    private static boolean isVariant(Path file, List<Path> all) {
        Path plain = plainOf(file);
        return !plain.equals(file)
                && all.contains(plain)
                && SafetensorsHeader.read(file)
                        .entries()
                        .keySet()
                        .equals(SafetensorsHeader.read(plain).entries().keySet());
    }

    /// Returns the file whose variant a file is by its name; the file itself when it is none.
    private static Path plainOf(Path file) {
        Matcher variant = VARIANT.matcher(file.getFileName().toString());
        return variant.matches() ? file.resolveSibling(variant.group(1) + variant.group(2)) : file;
    }

    /// Opens the weights that go by the name of one file: that file, or the shards that `FILE.index.json` beside its
    /// place lists; the caller closes it.
    ///
    /// @throws InvalidFileException when both are there, of which one is older weights, and as for [#open(Path)]
    public static Checkpoint openNamed(Path file) {
        Path index = indexOf(file);
        return Files.exists(index) ? openInsteadOfFile(index) : open(List.of(file));
    }

    /// Checks whether [#openNamed] has something to open.
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

    /// Returns the files in the order in which they were opened.
    public List<SafetensorsFile> files() {
        return files;
    }

    /// Returns the files of the folder that were left out, as they hold the same tensors as another one.
    public List<Path> variants() {
        return Collections.unmodifiableList(variants);
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

    /// Returns the strings of all files. A key whose values differ between files is left out; [#files] has it.
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

    /// Lists the visible content of a folder, sorted. Systems leave hidden files behind, which are no shards.
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
