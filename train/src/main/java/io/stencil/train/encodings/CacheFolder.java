package io.stencil.train.encodings;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.files.AtomicFile;
import io.stencil.files.FolderLock;
import io.stencil.json.Json;
import io.stencil.json.JsonFile;
import io.stencil.json.JsonReason;
import io.stencil.train.encodings.SampleFile.CachedRow;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// Reads and writes a folder of encoded samples.
///
/// ```text
/// cache/
/// ├── origin.json                what the samples are made by, written first
/// ├── samples/00000000.safetensors, one a row, with the digest of what it is made of
/// ├── empty_prompt.safetensors   for samples that go without their prompt
/// └── index.json                 the rows, written last: a cache without it is not complete
/// ```
public record CacheFolder(Path folder) {

    /// The list of a complete cache's samples.
    public static final String INDEX = "index.json";

    private static final String ORIGIN = "origin.json";
    private static final String WEIGHTS = "weights";
    private static final String SAMPLES = "samples";
    private static final Pattern SAMPLE = Pattern.compile("(\\d{8,9})\\.safetensors");
    private static final int FORMAT = 2;

    /// Whether a folder is a cache, complete or not.
    public static boolean isCache(Path folder) {
        return Files.isRegularFile(folder.resolve(ORIGIN));
    }

    public Path index() {
        return folder.resolve(INDEX);
    }

    /// @param number of the file
    Path sample(int number) {
        return folder.resolve(SAMPLES).resolve(String.format(Locale.ROOT, "%08d.safetensors", number));
    }

    /// Reads the digests of the samples that are there, by number, from the heads of their files. A file that is cut,
    /// or whose head is damaged or not a sample's, has an empty one.
    SortedMap<Integer, String> digests() {
        SortedMap<Integer, String> digests = new TreeMap<>();
        for (int number : numbers()) {
            try (SampleFile sample = SampleFile.open(sample(number))) {
                digests.put(number, sample.row().digest());
            } catch (InvalidFileException _) { // it is encoded again
                digests.put(number, "");
            }
        }
        return digests;
    }

    private List<Integer> numbers() {
        Path samples = folder.resolve(SAMPLES);
        if (!Files.isDirectory(samples)) {
            return List.of();
        }
        return list(samples).stream()
                .map(file -> SAMPLE.matcher(file.getFileName().toString()))
                .filter(Matcher::matches)
                .map(name -> Integer.valueOf(name.group(1)))
                .toList();
    }

    /// Makes a cache incomplete before samples of it are replaced.
    void removeIndex() {
        remove(index());
    }

    void removeSample(int number) {
        remove(sample(number));
    }

    private static void remove(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(file), "cannot be removed: " + e, e);
        }
    }

    /// Whether the prompt of samples without one is there and undamaged.
    boolean hasEmptyPrompt() {
        if (!Files.isRegularFile(emptyPrompt())) {
            return false;
        }
        try (SampleFile prompt = SampleFile.open(emptyPrompt())) {
            prompt.requireUndamaged();
            return true;
        } catch (InvalidFileException _) { // it is encoded again
            return false;
        }
    }

    Path emptyPrompt() {
        return folder.resolve("empty_prompt.safetensors");
    }

    /// Whether all samples are there.
    public boolean isComplete() {
        return Files.isRegularFile(index());
    }

    /// Makes the folder a cache of this origin, or goes on with one.
    ///
    /// @throws InvalidRequestException when it holds something else, or a cache of another origin
    void begin(CacheOrigin origin) {
        if (isCache(folder)) {
            origin.requireSameAs(origin(), folder, CacheOrigin.Extent.ALL);
            removeLeftovers();
            return;
        }
        requireEmptyOrCache();
        writeJson(
                folder.resolve(ORIGIN),
                Json.MAPPER.createObjectNode().put("format", FORMAT).set("origin", origin.json()));
    }

    /// Takes part in a cache of this origin, which is there.
    ///
    /// @throws InvalidRequestException when it is not, or of another origin
    void join(CacheOrigin origin) {
        if (!isCache(folder)) {
            throw new InvalidRequestException(
                    "output_path",
                    "'%s' is not the folder that the first process sees; name one that all share".formatted(folder));
        }
        origin.requireSameAs(origin(), folder, CacheOrigin.Extent.ALL);
    }

    /// Refuses a folder that holds something else than a cache: for a check before long work.
    ///
    /// @throws InvalidRequestException when it does
    /// @throws InvalidFileException when it cannot be listed
    public void requireEmptyOrCache() {
        if (!isCache(folder)
                && Files.exists(folder)
                && list(folder).stream().anyMatch(file -> !file.endsWith(FolderLock.FILE_NAME))) {
            throw new InvalidRequestException(
                    "output_path", "'%s' is neither empty nor a cache; name another folder".formatted(folder));
        }
    }

    /// Temporary files that a killed process left.
    private void removeLeftovers() {
        Path samples = folder.resolve(SAMPLES);
        List<Path> found = Stream.of(folder, samples)
                .filter(Files::isDirectory)
                .flatMap(directory -> list(directory).stream())
                .filter(file -> file.getFileName().toString().matches("\\..*\\.tmp"))
                .toList();
        found.forEach(CacheFolder::remove);
    }

    private static List<Path> list(Path folder) {
        try (Stream<Path> content = Files.list(folder)) {
            return content.toList();
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(folder), "cannot be listed: " + e, e);
        }
    }

    /// @throws InvalidFileException when there is none that can be read
    CacheOrigin origin() {
        Path file = folder.resolve(ORIGIN);
        JsonNode root = JsonFile.read(file);
        if (root.path("format").asInt() != FORMAT || !(root.get("origin") instanceof ObjectNode origin)) {
            throw new InvalidFileException(
                    file,
                    "is not of format %s, found %s: another version of Stencil wrote it; encode into another folder (--task sft:data_process)"
                            .formatted(FORMAT, root.path("format")));
        }
        return new CacheOrigin(origin);
    }

    /// What the samples are made of and by, for people: names and values.
    ///
    /// @throws InvalidFileException when it cannot be read
    public Map<String, String> description() {
        Map<String, String> description = new TreeMap<>();
        origin().json()
                .properties()
                .forEach(field -> description.put(
                        field.getKey().replace('_', ' '), field.getValue().asText()));
        return description;
    }

    /// Samples that are there.
    public int sampleCount() {
        return numbers().size();
    }

    /// The rows of a complete cache, in their order.
    ///
    /// @throws InvalidRequestException when the folder is no cache, or the cache is not complete
    /// @throws InvalidFileException when the index is broken
    List<CachedRow> rows() {
        if (!isCache(folder)) {
            throw new InvalidRequestException(
                    "dataset_base_path",
                    "'%s' is not a cache of encoded samples; make one by --task sft:data_process".formatted(folder));
        }
        if (!isComplete()) {
            throw new InvalidRequestException(
                    "dataset_base_path",
                    "'%s' is not complete (no %s); run --task sft:data_process again, which goes on where it stopped"
                            .formatted(folder, INDEX));
        }
        JsonNode index = JsonFile.read(index()).path("rows");
        if (!index.isArray()) {
            throw new InvalidFileException(
                    Location.of(index()).field("rows"),
                    "is not an index of samples: must be a list; run --task sft:data_process again, which writes it anew");
        }
        List<CachedRow> rows = new ArrayList<>();
        for (JsonNode row : index) {
            try {
                rows.add(SampleFile.row(row));
            } catch (JsonProcessingException e) {
                throw new InvalidFileException(
                        Location.of(index()).field("rows[%s]".formatted(rows.size())),
                        "is not a row of a cache: %s; run --task sft:data_process again, which writes the index anew"
                                .formatted(JsonReason.ofBinding(e, row)),
                        e);
            }
        }
        return rows;
    }

    /// The weights of the rows' losses, in the order of [#rows]; empty where all are 1.
    ///
    /// @throws InvalidFileException when the index is broken
    List<Double> weights() {
        JsonNode weights = JsonFile.read(index()).path(WEIGHTS);
        List<Double> values = new ArrayList<>();
        for (JsonNode weight : weights) {
            if (!weight.isNumber()) {
                throw new InvalidFileException(
                        Location.of(index()).field("%s[%s]".formatted(WEIGHTS, values.size())),
                        "must be a number, found %s; run --task sft:data_process again, which writes the index anew"
                                .formatted(JsonReason.shown(weight)));
            }
            values.add(weight.doubleValue());
        }
        return values;
    }

    /// Makes the cache complete.
    ///
    /// @param weights of the rows' losses
    void finish(List<CachedRow> rows, List<Double> weights) {
        ObjectNode root = Json.MAPPER.createObjectNode().put("format", FORMAT);
        root.set("rows", Json.MAPPER.valueToTree(rows));
        if (weights.stream().anyMatch(weight -> weight != 1)) {
            root.set(WEIGHTS, Json.MAPPER.valueToTree(weights));
        }
        writeJson(index(), root);
    }

    private static void writeJson(Path file, JsonNode json) {
        try {
            AtomicFile.writeText(file, json.toPrettyString() + "\n");
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(file), "cannot be written: " + e, e);
        }
    }
}
