package io.stencil.flux2.convert;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.files.AtomicFile;
import io.stencil.files.AtomicFolder;
import io.stencil.flux2.convert.ModelTarget.Dialect;
import io.stencil.flux2.convert.PartTensors.FileTensor;
import io.stencil.flux2.files.BaseModelPart;
import io.stencil.flux2.files.ModelConfig;
import io.stencil.flux2.files.PartLayout;
import io.stencil.flux2.files.PartLayout.Part;
import io.stencil.gguf.GgufFile;
import io.stencil.gguf.GgufValue;
import io.stencil.gguf.GgufWriter;
import io.stencil.json.Json;
import io.stencil.safetensors.SafetensorsDtype;
import io.stencil.safetensors.SafetensorsWriter;
import io.stencil.safetensors.TensorSpec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Converts the parts of a base model to other names, dtypes and quantizations.
final class ModelConverter {

    private static final String SAFETENSORS = ".safetensors";

    /// What of a folder in Hugging Face layout is copied as it is.
    private static final List<String> BESIDE = List.of("model_index.json", "scheduler", "tokenizer");

    private final ModelTarget target;
    private final Conversion.Progress progress;
    private long written;

    ModelConverter(ModelTarget target, Conversion.Progress progress) {
        this.target = target;
        this.progress = progress;
    }

    /// @see Conversion#run
    Conversion.Report convert(Path in, Path out) throws IOException {
        requireFormat(out);
        requireFree(out, target.overwrite());
        List<BaseModelPart> parts = open(in);
        try {
            requireApplicable(parts);
            requireNoSource(out, parts);
            List<String> warnings = warnings(in, parts);
            parts.forEach(BaseModelPart::requireComplete);
            if (isFile(out)) {
                boolean gguf = isGguf(out);
                TargetLayouts layouts = new TargetLayouts(target, gguf, parts.size() > 1);
                layouts.requireFile(parts);
                write(in, out, parts, layouts);
            } else {
                writeFolder(in, out, parts);
            }
            return report(out, warnings);
        } finally {
            parts.forEach(part -> part.weights().close());
        }
    }

    /// Describes the result as it is read again, which also proves that it can be.
    private Conversion.Report report(Path out, List<String> warnings) {
        List<BaseModelPart> parts = open(out);
        try {
            List<String> lines = parts.stream()
                    .map(part -> "wrote %s: %s".formatted(out, part.summary()))
                    .toList();
            return new Conversion.Report(lines, warnings);
        } finally {
            parts.forEach(part -> part.weights().close());
        }
    }

    /// Refuses to replace a file that is there.
    ///
    /// @throws InvalidRequestException naming it
    static void requireFree(Path out, boolean overwrite) throws IOException {
        if (!isFile(out)) {
            AtomicFolder.requireFree(out);
        } else if (Files.isDirectory(out)) {
            throw new InvalidRequestException("OUT", "'%s' is a directory; name a file".formatted(out));
        } else if (Files.exists(out) && !overwrite) {
            throw new InvalidRequestException(
                    "OUT", "'%s' exists; name another file, or pass --overwrite".formatted(out));
        }
    }

    /// Refuses to replace a shard of the source, which `--overwrite` does not mean.
    private static void requireNoSource(Path out, List<BaseModelPart> parts) throws IOException {
        for (BaseModelPart part : parts) {
            for (Path file : part.files()) {
                if (Files.isRegularFile(out) && Files.isRegularFile(file) && Files.isSameFile(file, out)) {
                    throw new InvalidRequestException(
                            "OUT", "'%s' is a file of IN, which it would replace; name another one".formatted(out));
                }
            }
        }
    }

    static boolean isFile(Path out) {
        return out.toString().endsWith(SAFETENSORS) || isGguf(out);
    }

    private static boolean isGguf(Path out) {
        return out.toString().endsWith(GgufFile.SUFFIX);
    }

    private void requireFormat(Path out) {
        Quantization quantization = target.quantization();
        if (quantization != null && isFile(out) && !out.toString().endsWith(quantization.suffix())) {
            throw new InvalidRequestException(
                    "OUT",
                    "'%s' must end in %s: %s is written as that"
                            .formatted(out, quantization.suffix(), quantization.text()));
        }
        if (!isFile(out) && quantization != null && quantization.blocks().isPresent()) {
            throw new InvalidRequestException(
                    "OUT",
                    "'%s' must end in %s: %s is written as that"
                            .formatted(out, quantization.suffix(), quantization.text()));
        }
        if (!isFile(out) && target.dialect() != null && target.dialect() != Dialect.DIFFUSERS) {
            throw new InvalidRequestException(
                    "OUT",
                    "'%s' must end in .safetensors or .gguf; folders have diffusers' names alone".formatted(out));
        }
    }

    private List<BaseModelPart> open(Path in) {
        List<BaseModelPart> parts = new ArrayList<>();
        try {
            for (Path path : paths(in)) {
                parts.addAll(BaseModelPart.recognise(List.of(path)));
            }
            if (target.part() == null) {
                return parts;
            }
            List<BaseModelPart> chosen = parts.stream()
                    .filter(part -> part.config().part() == target.part())
                    .toList();
            if (chosen.isEmpty()) {
                throw new InvalidRequestException(
                        "part",
                        "'%s' has no %s; found %s"
                                .formatted(
                                        in,
                                        target.part().folder(),
                                        parts.stream()
                                                .map(part ->
                                                        part.config().part().folder())
                                                .collect(Collectors.joining(", "))));
            }
            parts.stream()
                    .filter(part -> !chosen.contains(part))
                    .forEach(part -> part.weights().close());
            return chosen;
        } catch (RuntimeException | Error e) {
            parts.forEach(part -> part.weights().close());
            throw e;
        }
    }

    private static List<Path> paths(Path in) {
        List<Path> folders = Stream.of(Part.values())
                .map(part -> in.resolve(part.folder()))
                .filter(Files::isDirectory)
                .toList();
        return folders.isEmpty() ? List.of(in) : folders;
    }

    private void requireApplicable(List<BaseModelPart> parts) {
        boolean vaeAlone = parts.stream().allMatch(part -> part.config().part() == Part.VAE);
        if (target.quantization() != null && vaeAlone) {
            throw new InvalidRequestException(
                    "quantize", "does not apply to a VAE, whose weights are small and mostly convolutions");
        }
    }

    /// Names parts that are quantized a second time: the error of the first time stays in the result.
    private List<String> warnings(Path in, List<BaseModelPart> parts) {
        return parts.stream()
                .filter(part -> target.quantization() != null && part.isQuantized())
                .map(part ->
                        "%s is quantized already (%s); what that lost stays lost: convert the unquantized file, where there is one"
                                .formatted(in, part.summary()))
                .toList();
    }

    private void write(Path in, Path out, List<BaseModelPart> parts, TargetLayouts layouts) throws IOException {
        List<FileTensor> tensors = new ArrayList<>();
        ObjectNode configs = Json.MAPPER.createObjectNode();
        for (BaseModelPart part : parts) {
            PartLayout layout = layouts.of(part);
            tensors.addAll(new PartTensors(part, layout, target, layouts.gguf()).tensors());
            configs.set(part.config().part().folder(), part.config().json());
        }
        FileMetadata metadata = FileMetadata.of(in, parts.getFirst().weights());
        metadata.put(ModelConfig.METADATA, configs.toString());
        if (layouts.gguf()) {
            writeGguf(out, tensors, metadata.gguf(parts.getFirst().config(), tensors, target.quantization()));
        } else {
            writeSafetensors(out, tensors, metadata.texts());
        }
    }

    private void writeSafetensors(Path out, List<FileTensor> tensors, Map<String, String> metadata) throws IOException {
        Map<String, FileTensor> byName = new LinkedHashMap<>();
        List<TensorSpec> specs = new ArrayList<>();
        for (FileTensor tensor : tensors) {
            byName.put(tensor.name(), tensor);
            specs.add(new TensorSpec(tensor.name(), (SafetensorsDtype) tensor.type(), tensor.shape()));
        }
        long total = total(tensors);
        SafetensorsWriter.write(
                out,
                specs,
                (spec, sink) -> {
                    FileTensor tensor = Objects.requireNonNull(byName.get(spec.name()));
                    tensor.bytes().writeTo(sink);
                    progress.show(written += tensor.byteSize(), total);
                },
                metadata);
    }

    private void writeGguf(Path out, List<FileTensor> tensors, Map<String, GgufValue> metadata) throws IOException {
        Map<String, FileTensor> byName = new LinkedHashMap<>();
        List<GgufWriter.Tensor> specs = new ArrayList<>();
        for (FileTensor tensor : tensors) {
            byName.put(tensor.name(), tensor);
            specs.add(new GgufWriter.Tensor(tensor.name(), tensor.type(), tensor.shape()));
        }
        long total = total(tensors);
        GgufWriter.write(
                out,
                specs,
                (spec, sink) -> {
                    FileTensor tensor = Objects.requireNonNull(byName.get(spec.name()));
                    tensor.bytes().writeTo(sink);
                    progress.show(written += tensor.byteSize(), total);
                },
                metadata);
    }

    private static long total(List<FileTensor> tensors) {
        return tensors.stream().mapToLong(FileTensor::byteSize).sum();
    }

    private void writeFolder(Path in, Path out, List<BaseModelPart> parts) throws IOException {
        ModelTarget diffusers = new ModelTarget(
                Dialect.DIFFUSERS, target.quantization(), target.dtype(), target.part(), target.overwrite());
        AtomicFolder.write(out, folder -> {
            for (BaseModelPart part : parts) {
                written = 0;
                Path place = parts.size() == 1
                        ? folder
                        : folder.resolve(part.config().part().folder());
                Files.createDirectories(place);
                PartLayout layout = new TargetLayouts(diffusers, false, false).of(part);
                ModelTarget own = part.config().part() == Part.VAE
                        ? new ModelTarget(Dialect.DIFFUSERS, null, target.dtype(), null, false)
                        : diffusers;
                writeSafetensors(
                        place.resolve(fileName(part.config().part())),
                        new PartTensors(part, layout, own, false).tensors(),
                        FileMetadata.of(in, part.weights()).texts());
                AtomicFile.writeText(place.resolve("config.json"), config(part));
            }
            if (parts.size() > 1 && Files.isDirectory(in)) {
                for (String name : BESIDE) {
                    copy(in.resolve(name), folder.resolve(name));
                }
            }
        });
    }

    private static String fileName(Part part) {
        return part == Part.TEXT_ENCODER ? "model.safetensors" : "diffusion_pytorch_model.safetensors";
    }

    /// Returns the source's own `config.json` where it has one, with fields that are not read here.
    private static String config(BaseModelPart part) throws IOException {
        Path json = part.files().getFirst().resolveSibling("config.json");
        return part.sizes() == BaseModelPart.Sizes.CONFIG_JSON
                ? Files.readString(json)
                : part.config().json().toPrettyString() + "\n";
    }

    private static void copy(Path from, Path to) throws IOException {
        if (!Files.exists(from)) {
            return;
        }
        try (Stream<Path> content = Files.walk(from)) {
            for (Path path : content.toList()) {
                Path place = to.resolve(from.relativize(path).toString());
                if (Files.isDirectory(path)) {
                    Files.createDirectories(place);
                } else {
                    Files.copy(path, place);
                }
            }
        } catch (UncheckedIOException e) {
            throw new InvalidFileException(Location.of(from), "cannot be copied: " + e.getCause(), e);
        }
    }
}
