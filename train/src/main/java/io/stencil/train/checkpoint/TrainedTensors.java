package io.stencil.train.checkpoint;

import io.stencil.autograd.GradMode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.nn.NamePrefix;
import io.stencil.nn.Parameter;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.safetensors.TensorEntry;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.train.options.OutputOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Writes and reads a checkpoint of a training run: the trained tensors, those that are saved with them, and nothing
/// else.
///
/// @param removedPrefix cut off the names that begin with it, with the dot that follows; null keeps full names
/// @param dtype of the trained tensors in files; the others keep their own
public record TrainedTensors(TrainableParts parts, @Nullable String removedPrefix, DType dtype) {

    public TrainedTensors(TrainableParts parts, OutputOptions output) {
        this(parts, output.removedPrefix(), output.saveDtype());
    }

    /// Writes the tensors as they are now. A LoRA that is trained beside a model has a file of its own,
    /// `NAME.lora.safetensors` for `NAME.safetensors`; where it is trained alone, `file` is it.
    ///
    /// @param step how many steps they were trained for
    /// @return the files
    /// @throws InvalidFileException when a file cannot be written; what was there stays
    public List<Path> write(Path file, long step) {
        TrainedLora lora = parts.lora();
        if (lora == null) {
            writeModels(file, step);
            return List.of(file);
        }
        if (parts.ofModels().isEmpty()) {
            lora.write(file, step, dtype);
            return List.of(file);
        }
        writeModels(file, step);
        lora.write(beside(file), step, dtype);
        return List.of(file, beside(file));
    }

    /// The file of a LoRA beside that of the models.
    private static Path beside(Path file) {
        return file.resolveSibling(file.getFileName().toString().replaceFirst("\\.safetensors$", ".lora.safetensors"));
    }

    private void writeModels(Path file, long step) {
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            byFileName().forEach((name, parameter) -> {
                Tensor tensor = parameter.get();
                tensors.put(name, parameter.isTrainable() ? dtype.cast(tensor.detach()) : tensor);
            });
            Tensors.firstNonFinite(tensors).ifPresent(name -> {
                throw NonFinite.state("the tensor '%s' of '%s' is".formatted(name, file.getFileName()), step, 0);
            });
            TensorFiles.write(file, tensors, Map.of("format", "pt", "step", Long.toString(step)));
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(file), "cannot be written: " + e, e);
        }
    }

    /// Goes on from the tensors of a checkpoint, as [#write] wrote them. A LoRA beside it that is not there stays as it
    /// is.
    ///
    /// @throws InvalidFileException when its tensors are not exactly those that are trained; those of that file are not
    ///     changed then
    public void read(Path file) {
        TrainedLora lora = parts.lora();
        if (lora != null && parts.ofModels().isEmpty()) {
            lora.read(file);
            return;
        }
        readModels(file);
        if (lora != null && Files.isRegularFile(beside(file))) {
            lora.read(beside(file));
        }
    }

    private void readModels(Path file) {
        try (SafetensorsFile source = SafetensorsFile.open(file);
                GradMode _ = GradMode.disabled()) {
            Map<String, Parameter> expected = byFileName();
            check(file, source.entries(), expected);
            expected.forEach((name, parameter) -> {
                try (Scope _ = new Scope()) {
                    Tensor weight = parameter.get();
                    Tensor read = Device.of(weight).place(TensorFiles.view(source, name), DType.of(weight));
                    if (parameter.isTrainable()) {
                        weight.copy_(read);
                    } else {
                        parameter.set(read.clone()); // the old one may lie in a mapped file, which cannot be written
                    }
                }
            });
        }
    }

    private static void check(Path file, Map<String, TensorEntry> entries, Map<String, Parameter> expected) {
        List<String> missing = new ArrayList<>(expected.keySet());
        missing.removeAll(entries.keySet());
        List<String> unexpected = new ArrayList<>(entries.keySet());
        unexpected.removeAll(expected.keySet());
        List<String> misfits = new ArrayList<>();
        expected.forEach((name, parameter) -> {
            TensorEntry entry = entries.get(name);
            if (entry == null) {
                return;
            }
            boolean floating =
                    DType.of(entry.dtype()).filter(DType::isFloatingPoint).isPresent();
            if (floating != parameter.dtype().isFloatingPoint() || !Arrays.equals(entry.dims(), parameter.shape())) {
                misfits.add("%s is %s %s, expected %s"
                        .formatted(name, entry.dtype(), entry.shape(), Arrays.toString(parameter.shape())));
            }
        });
        if (!missing.isEmpty() || !unexpected.isEmpty() || !misfits.isEmpty()) {
            throw new InvalidFileException(
                    file,
                    "is not a checkpoint of what is trained: missing %s; unexpected %s; of another shape or kind %s; "
                                    .formatted(NameList.of(missing), NameList.of(unexpected), NameList.of(misfits))
                            + "check --trainable_models and --remove_prefix_in_ckpt"
                            + NamePrefix.hint(missing, unexpected));
        }
    }

    private Map<String, Parameter> byFileName() {
        Map<String, Parameter> named = new LinkedHashMap<>();
        String prefix = prefix();
        BiConsumer<String, Parameter> put = (name, parameter) -> {
            int cut = name.startsWith(prefix) ? prefix.length() : 0;
            named.put(name.substring(cut), parameter);
        };
        parts.ofModels().forEach(put);
        parts.companions().forEach(put);
        return named;
    }

    /// Refuses a prefix that no name begins with: nothing would load what is saved.
    ///
    /// @throws InvalidRequestException naming what is trained
    public void requirePrefix() {
        String prefix = prefix();
        Set<String> names = (parts.ofModels().isEmpty() ? parts.parameters() : parts.ofModels()).keySet();
        if (names.stream().noneMatch(name -> name.startsWith(prefix))) {
            throw new InvalidRequestException(
                    "remove_prefix_in_ckpt",
                    "is '%s', but no trained tensor's name begins with '%s'; the names are %s"
                            .formatted(removedPrefix, prefix, NameList.of(names)));
        }
    }

    /// With its dot, also where it was given without.
    private String prefix() {
        if (removedPrefix == null || removedPrefix.isEmpty() || removedPrefix.endsWith(".")) {
            return removedPrefix == null ? "" : removedPrefix;
        }
        return removedPrefix + ".";
    }
}
