package io.stencil.template.publish;

import io.stencil.autograd.GradMode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.nn.NamePrefix;
import io.stencil.nn.Parameter;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.TemplateFolder;
import io.stencil.template.load.TemplateFolder.WeightContent;
import io.stencil.template.load.TemplateSource;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/// A Template as its training left it: the folder's model, and the trained tensors of checkpoints over it.
///
/// @param checkpoints of different parts; none for the folder as it is
record CheckpointedTemplate(TemplateFolder folder, List<Path> checkpoints) implements TemplateSource {

    private static final List<String> PREFIXES = List.of("pipe.template_model.", "template_model.");

    @Override
    public void check(Flux2Pipeline base) {
        folder.check(base);
    }

    @Override
    public LoadedTemplate<?, ?> load(Flux2Pipeline base) {
        LoadedTemplate<?, ?> template = folder.load(base);
        takeMemory(template.model().state());
        try {
            if (!checkpoints.isEmpty()) {
                Map<String, Path> trained = new LinkedHashMap<>();
                List<WeightContent> parts = folder.weightContent(base);
                for (Path checkpoint : checkpoints) {
                    put(template.model().state(), checkpoint, parts, trained);
                }
            }
            return template;
        } catch (RuntimeException e) {
            template.close();
            throw e;
        }
    }

    /// @param trained checkpoints of the tensors so far, which gets those of this one
    private static void put(
            Map<String, Parameter> state, Path checkpoint, List<WeightContent> parts, Map<String, Path> trained) {
        try (SafetensorsFile source = SafetensorsFile.open(checkpoint);
                GradMode _ = GradMode.disabled()) {
            Map<String, String> names = names(source, parts);
            requireFits(source, names, state);
            names.forEach((name, stored) -> {
                Path other = trained.putIfAbsent(name, checkpoint);
                if (other != null) {
                    throw new InvalidFileException(
                            Location.of(checkpoint).field(stored),
                            "this tensor is also in %s; one name may be in one checkpoint only".formatted(other));
                }
                Parameter parameter = Objects.requireNonNull(state.get(name));
                try (Scope _ = new Scope()) {
                    parameter.set(parameter
                            .device()
                            .place(TensorFiles.view(source, stored), parameter.dtype())
                            .clone());
                }
            });
        }
    }

    /// Copies what lies in mapped files. Products of matrices may differ in the last bit with where a matrix begins in
    /// memory, and two Templates that are compared must not differ in that.
    private static void takeMemory(Map<String, Parameter> state) {
        state.values().forEach(parameter -> {
            try (Scope _ = new Scope()) {
                parameter.set(parameter.get().clone());
            }
        });
    }

    /// Names in the model by names in the checkpoint, which may have kept the prefix that the trainer gives them, or
    /// may be those of a part's file, relative to its module.
    static Map<String, String> names(SafetensorsFile source, List<WeightContent> parts) {
        Set<String> stored = source.entries().keySet();
        String prefix = PREFIXES.stream()
                .filter(one -> stored.stream().allMatch(name -> name.startsWith(one)))
                .findFirst()
                .orElse("");
        List<WeightContent> fitting = parts.stream()
                .filter(part -> stored.stream().allMatch(name -> part.names().contains(part.prefix() + name)))
                .toList();
        if (fitting.size() > 1) { // modules alike: the one that is still to be trained
            fitting = fitting.stream().filter(part -> part.files().isEmpty()).toList();
        }
        String module = fitting.size() == 1 ? fitting.getFirst().prefix() : "";
        Map<String, String> names = new LinkedHashMap<>();
        stored.forEach(name -> names.put(module + name.substring(prefix.length()), name));
        return names;
    }

    private static void requireFits(SafetensorsFile source, Map<String, String> names, Map<String, Parameter> state) {
        List<String> faults = new ArrayList<>();
        List<String> unknown = new ArrayList<>();
        names.forEach((name, stored) -> {
            Parameter parameter = state.get(name);
            if (parameter == null) {
                unknown.add(name);
                faults.add(name + " is not a tensor of the model");
            } else if (!Arrays.equals(parameter.shape(), source.entry(stored).dims())) {
                faults.add("%s is %s, expected %s"
                        .formatted(name, source.entry(stored).shape(), Arrays.toString(parameter.shape())));
            }
        });
        if (!faults.isEmpty() || names.isEmpty()) {
            throw new InvalidFileException(
                    source.path(),
                    "is not a checkpoint of this Template: "
                            + (names.isEmpty() ? "it holds no tensors" : NameList.of(faults))
                            + NamePrefix.hint(state.keySet(), unknown));
        }
    }
}
