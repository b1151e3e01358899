package io.stencil.template.load;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.error.TemplateException;
import io.stencil.nn.Module;
import io.stencil.nn.Module.OpenPass;
import io.stencil.nn.WeightLoader;
import io.stencil.nn.WeightLoader.Bookkeeping;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.safetensors.Checkpoint;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.safetensors.TensorEntry;
import io.stencil.safetensors.TensorSource;
import io.stencil.template.TemplateModel;
import io.stencil.template.Weights;
import io.stencil.tensor.TorchGenerator;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/// Weight files that a Template's `weights()` names, found in its folder.
///
/// @param origin the file that declares the weights, for messages
record WeightFiles(Path origin, List<Part> parts) {

    /// A file of weights, or random weights in its place.
    ///
    /// @param path as it is declared; empty for [Weights.Random]
    /// @param module name of the submodule that names in the file are relative to, or empty
    /// @param seed of random weights
    /// @param files the file, or its shards; none for random weights
    private record Part(String path, String module, OptionalLong seed, List<Path> files) {

        private boolean isRandom() {
            return files.isEmpty();
        }

        private String prefix() {
            return module.isEmpty() ? "" : module + ".";
        }
    }

    /// @param origin the file that declares the weights, for messages
    /// @throws TemplateException when a file is absent or does not lie inside the folder
    /// @throws InvalidFileException when weights lie there both in one file and in shards
    static WeightFiles find(Weights weights, TemplateFolder.FolderContent folder, Path origin) {
        if (weights instanceof Weights.Random(long seed)) {
            return new WeightFiles(origin, List.of(new Part("", "", OptionalLong.of(seed), List.of())));
        }
        return new WeightFiles(
                origin,
                weights.parts().stream()
                        .map(part -> new Part(part.path(), part.module(), part.seed(), files(part, folder, origin)))
                        .toList());
    }

    /// The file, or the shards that stand for it; none where random weights stand for it.
    private static List<Path> files(Weights.Part part, TemplateFolder.FolderContent folder, Path origin) {
        Path root = folder.path().toAbsolutePath().normalize();
        if (Path.of(part.path()).isAbsolute()
                || !root.resolve(part.path()).normalize().startsWith(root)) {
            throw new TemplateException(
                    origin, "weights() names '%s', which is not inside the folder".formatted(part.path()));
        }
        Path file = folder.path().resolve(part.path());
        if (Checkpoint.isNamed(file)) {
            try (Checkpoint checkpoint = Checkpoint.openNamed(file)) {
                return checkpoint.files().stream().map(SafetensorsFile::path).toList();
            }
        }
        if (part.seed().isEmpty()) {
            throw new TemplateException(
                    origin,
                    "weights() names '%s', but %s holds %s"
                            .formatted(part.path(), folder.path(), NameList.of(folder.names())));
        }
        return List.of();
    }

    /// Files that exist, in the order of their parts.
    List<Path> files() {
        return parts.stream().flatMap(part -> part.files().stream()).toList();
    }

    /// Compares names, shapes and kinds of dtype with the module, from the headers alone.
    ///
    /// @throws InvalidFileException when they do not fit
    /// @throws TemplateException when it is not clear which part a tensor belongs to
    void check(Module model) {
        try (JoinedParts source = JoinedParts.open(parts)) {
            Set<String> random = names(random(model, source));
            if (!files().isEmpty()) {
                WeightLoader.checkRest(model, source, random);
            }
        }
    }

    /// Fills the model, in the dtype and on the device of `base`.
    ///
    /// @throws InvalidFileException when the files do not fit
    /// @throws TemplateException when the author's `initializeFrom` fails, or it is not clear which part a tensor
    ///     belongs to
    void load(TemplateModel<?, ?> model, ModelSet base) {
        JoinedParts source = JoinedParts.open(parts);
        Map<Part, Set<String>> random;
        try {
            random = random(model, source);
        } catch (RuntimeException e) {
            source.close();
            throw e;
        }
        if (files().isEmpty()) {
            source.close();
        } else {
            new WeightLoader(base.dtype(), base.device()).loadRest(model, source, names(random));
        }
        random.forEach((part, names) -> {
            try (TorchGenerator generator = new TorchGenerator(part.seed().orElseThrow())) {
                model.initialize(names, base.dtype(), base.device(), generator);
            }
        });
        if (!random.isEmpty()) {
            try (OpenPass _ = base.requireTransformer().openPass()) {
                new AuthorCode(origin, model).run("initializeFrom(base)", () -> model.initializeFrom(base));
            }
        }
    }

    /// Assigns each tensor to its part.
    ///
    /// @throws InvalidFileException when the files do not fit
    List<TemplateFolder.WeightContent> content(Module model) {
        check(model);
        try (JoinedParts source = JoinedParts.open(parts)) {
            Map<Part, Set<String>> random = random(model, source);
            return parts.stream()
                    .map(part -> new TemplateFolder.WeightContent(
                            part.path(),
                            part.prefix(),
                            part.files(),
                            part.isRandom() ? random.getOrDefault(part, Set.of()) : source.names(part)))
                    .toList();
        }
    }

    private static Set<String> names(Map<Part, Set<String>> random) {
        Set<String> names = new LinkedHashSet<>();
        random.values().forEach(names::addAll);
        return names;
    }

    /// Tensors that begin at random, by their part: those that are in no file.
    private Map<Part, Set<String>> random(Module model, TensorSource source) {
        List<Part> random = parts.stream().filter(Part::isRandom).toList();
        Map<Part, Set<String>> assigned = new LinkedHashMap<>();
        random.forEach(part -> assigned.put(part, new LinkedHashSet<>()));
        Set<String> state = model.state().keySet();
        requireModules(state);
        for (String name : state) {
            boolean isAbsent = !source.entries().containsKey(name)
                    && (files().isEmpty() || !Bookkeeping.mayBeAbsent(name))
                    && parts.stream().noneMatch(part -> !part.isRandom() && isCloser(part, name, random));
            if (isAbsent) {
                owner(name, random).ifPresent(part -> {
                    requireNoneBeside(part, name, source);
                    Objects.requireNonNull(assigned.get(part)).add(name);
                });
            }
        }
        return assigned;
    }

    /// Refuses to begin a part of a module at random whose other tensors a file holds: that file lacks it.
    private void requireNoneBeside(Part part, String name, TensorSource source) {
        if (!part.module().isEmpty() || !name.contains(".")) {
            return;
        }
        String module = name.substring(0, name.indexOf('.'));
        source.entries().keySet().stream()
                .filter(other -> Module.isWithin(other, module))
                .findFirst()
                .ifPresent(other -> {
                    throw new InvalidFileException(
                            new Location(source.origin(other), null, null),
                            "lacks tensor '%s', but holds '%s' of the same module; where it is to begin at random, name its module in weights(): Weights.fileOrRandom(\"%s\", seed).inModule(\"...\")"
                                    .formatted(name, other, part.path()));
                });
    }

    /// Whether a file is declared for a smaller module around the tensor than the parts without files are, so that the
    /// tensor is missing in it.
    private static boolean isCloser(Part part, String name, List<Part> random) {
        return !part.module().isEmpty()
                && Module.isWithin(name, part.module())
                && random.stream()
                        .noneMatch(other -> Module.isWithin(name, other.module())
                                && other.module().length() >= part.module().length());
    }

    private Optional<Part> owner(String name, List<Part> random) {
        List<Part> candidates = random.stream()
                .filter(part -> Module.isWithin(name, part.module()))
                .sorted(Comparator.comparingInt((Part part) -> part.module().length())
                        .reversed())
                .toList();
        if (candidates.size() > 1
                && candidates.get(0).module().equals(candidates.get(1).module())) {
            throw new TemplateException(
                    origin,
                    "weights() names '%s' and '%s', and neither file exists, so that it is not known to which of them tensor '%s' belongs; name the submodule of each: Weights.fileOrRandom(\"%s\", seed).inModule(\"...\")"
                            .formatted(
                                    candidates.get(0).path(),
                                    candidates.get(1).path(),
                                    name,
                                    candidates.get(0).path()));
        }
        return candidates.stream().findFirst();
    }

    private void requireModules(Set<String> state) {
        for (Part part : parts) {
            if (state.stream().noneMatch(name -> Module.isWithin(name, part.module()))
                    && !part.module().isEmpty()) {
                List<String> modules = state.stream()
                        .filter(name -> name.contains("."))
                        .map(name -> name.substring(0, name.indexOf('.')))
                        .distinct()
                        .toList();
                throw new TemplateException(
                        origin,
                        "weights() puts '%s' into module '%s', but the network has no such module with parameters; its modules are %s"
                                .formatted(part.path(), part.module(), NameList.of(modules)));
            }
        }
    }

    /// Tensors of several files under their names in the model.
    private static final class JoinedParts implements TensorSource {

        /// @param name in the file
        private record Place(Part part, TensorSource source, String name) {}

        private final List<Checkpoint> sources = new ArrayList<>();
        private final Map<String, Place> places = new LinkedHashMap<>();
        private final Map<String, TensorEntry> entries = new LinkedHashMap<>();

        /// @throws InvalidFileException when a file is broken or a tensor is in two files
        static JoinedParts open(List<Part> parts) {
            JoinedParts joined = new JoinedParts();
            try {
                parts.stream().filter(part -> !part.isRandom()).forEach(joined::add);
                return joined;
            } catch (RuntimeException e) {
                joined.close();
                throw e;
            }
        }

        private void add(Part part) {
            Checkpoint source = Checkpoint.open(part.files());
            sources.add(source);
            source.entries().forEach((stored, entry) -> {
                String name = part.prefix() + stored;
                Place other = places.putIfAbsent(name, new Place(part, source, stored));
                if (other != null) {
                    throw new InvalidFileException(
                            new Location(source.origin(stored), null, stored),
                            "this tensor is also in %s; one name may be in one file only"
                                    .formatted(other.source.origin(other.name)));
                }
                entries.put(name, new TensorEntry(name, entry.dtype(), entry.shape(), entry.begin(), entry.end()));
            });
        }

        Set<String> names(Part part) {
            Set<String> names = new LinkedHashSet<>();
            places.forEach((name, place) -> {
                if (place.part.equals(part)) {
                    names.add(name);
                }
            });
            return names;
        }

        private Place place(String name) {
            Place place = places.get(name);
            if (place == null) {
                throw new InvalidFileException(Location.ofField(name), "is in none of the weight files");
            }
            return place;
        }

        @Override
        public Map<String, TensorEntry> entries() {
            return Collections.unmodifiableMap(entries);
        }

        @Override
        public TensorEntry entry(String name) {
            place(name);
            return Objects.requireNonNull(entries.get(name));
        }

        @Override
        public MemorySegment segment(String name) {
            Place place = place(name);
            return place.source.segment(place.name);
        }

        @Override
        public Map<String, String> metadata() {
            return Map.of();
        }

        @Override
        public String origin(String name) {
            Place place = place(name);
            return place.source.origin(place.name);
        }

        @Override
        public String fileName(String name) {
            Place place = places.get(name);
            return place == null ? name : place.name;
        }

        @Override
        public void close() {
            sources.forEach(Checkpoint::close);
        }
    }
}
