package io.stencil.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.cli.Inspector.Finding.Fact;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.files.LocalPath;
import io.stencil.image.ImageTexts;
import io.stencil.image.RgbImageReader;
import io.stencil.json.ConfigJson;
import io.stencil.pipeline.GenerationParameters;
import io.stencil.safetensors.TensorEntry;
import io.stencil.template.load.TemplateFolder;
import io.stencil.template.load.TrustedCode;
import io.stencil.train.checkpoint.RunFolder;
import io.stencil.train.encodings.CacheFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// Describes files and folders by their content.
final class Inspector {

    private static final List<String> PARTS = List.of("transformer", "vae", "text_encoder");

    private Inspector() {}

    /// Describes a file or folder, then its parts.
    ///
    /// @param trusted code of a Template that may run, to list its inputs
    /// @throws InvalidFileException when it is of no known kind, or a file in it is broken
    static List<Finding> inspect(Path path, TrustedCode trusted) {
        if (Files.notExists(path)) {
            throw new InvalidFileException(path, "no such file or folder" + LocalPath.hint(path.toString()));
        }
        if (!Files.isDirectory(path)) {
            return List.of(RgbImageReader.isImage(path) ? image(path) : WeightsInspector.inspect(path));
        }
        if (Files.isRegularFile(path.resolve("Model.java")) || Files.isRegularFile(path.resolve("model.jar"))) {
            return template(path, trusted);
        }
        if (PARTS.stream().anyMatch(part -> Files.isDirectory(path.resolve(part)))) {
            return wholeModel(path);
        }
        if (CacheFolder.isCache(path)) {
            return List.of(cache(new CacheFolder(path)));
        }
        if (Files.exists(path.resolve("training_args.json"))) {
            return training(path);
        }
        if (!weights(path).isEmpty()) {
            return List.of(WeightsInspector.inspect(path));
        }
        throw new InvalidFileException(
                path,
                "holds no model, Template, training or weights that are known; found "
                        + NameList.of(files(path).stream()
                                .map(file -> file.getFileName().toString())
                                .toList()));
    }

    /// Describes an image with the parameters that it carries: those of Stencil, or the text that other tools write.
    private static Finding image(Path file) {
        List<Fact> facts = new ArrayList<>();
        facts.add(new Fact("size", RgbImageReader.size(file) + " pixels"));
        ImageTexts texts = ImageTexts.read(file).orElse(new ImageTexts("", ""));
        if (texts.json().isEmpty()) {
            String text = texts.parameters().isEmpty() ? "none" : texts.parameters();
            text.lines().forEach(line -> facts.add(new Fact("parameters", line)));
        } else {
            addFacts(GenerationParameters.read(file).json(), facts);
        }
        return new Finding(file, "image", facts, List.of(), Map.of());
    }

    /// Adds a fact for each value: those of inner objects too, and one for each element of an array.
    private static void addFacts(ObjectNode json, List<Fact> facts) {
        json.properties().forEach(field -> {
            if (field.getValue() instanceof ObjectNode inner) {
                addFacts(inner, facts);
            } else if (field.getValue().isArray()) {
                field.getValue().forEach(element -> facts.add(new Fact(field.getKey(), element.toString())));
            } else {
                facts.add(new Fact(field.getKey(), field.getValue().asText()));
            }
        });
    }

    private static List<Finding> wholeModel(Path folder) {
        List<Finding> findings = new ArrayList<>();
        findings.add(model(folder));
        for (String part : PARTS) {
            if (Files.isDirectory(folder.resolve(part))) {
                findings.add(WeightsInspector.inspect(folder.resolve(part)));
            }
        }
        Path tokenizer = folder.resolve("tokenizer");
        if (Files.isDirectory(tokenizer)) {
            boolean complete = Files.isRegularFile(tokenizer.resolve("tokenizer.json"));
            findings.add(Finding.of(tokenizer, complete ? "tokenizer" : "tokenizer folder without tokenizer.json"));
        }
        return findings;
    }

    private static Finding model(Path folder) {
        Path index = folder.resolve("model_index.json");
        if (Files.notExists(index)) {
            return Finding.of(folder, "base model");
        }
        ConfigJson json = ConfigJson.read(index);
        boolean distilled = json.flag("is_distilled", false);
        return Finding.of(
                folder,
                "base model",
                new Fact("pipeline", json.text("_class_name", "not named")),
                new Fact("distilled", distilled ? "yes: for generating, not for training" : "no"));
    }

    private static Finding cache(CacheFolder cache) {
        List<Fact> facts = new ArrayList<>();
        facts.add(new Fact("samples", Integer.toString(cache.sampleCount())));
        facts.add(new Fact(
                "complete", cache.isComplete() ? "yes" : "no: run --task sft:data_process again, which goes on"));
        cache.description().forEach((name, value) -> facts.add(new Fact(name, value)));
        return new Finding(cache.folder(), "dataset of encoded samples (sft:data_process)", facts, List.of(), Map.of());
    }

    private static List<Finding> training(Path folder) {
        List<Finding> findings = new ArrayList<>();
        List<Path> checkpoints = new ArrayList<>(weights(folder)); // where earlier versions wrote them
        Path own = new RunFolder(folder).checkpoints();
        if (Files.isDirectory(own)) {
            checkpoints.addAll(weights(own));
        }
        findings.add(Finding.of(folder, "training", new Fact("checkpoints", Integer.toString(checkpoints.size()))));
        checkpoints.forEach(file -> findings.add(WeightsInspector.inspect(file)));
        return findings;
    }

    /// Description of a file or folder.
    ///
    /// @param place the file or folder
    /// @param kind in a few words
    /// @param facts more about it, in the order to show
    /// @param tensors those that it holds; empty for what holds none
    /// @param names the model's names of tensors, by those of the file, where they differ
    record Finding(
            Path place, String kind, List<Fact> facts, List<TensorEntry> tensors, Map<String, List<String>> names) {

        /// A named fact, ready to be shown.
        record Fact(String name, String value) {}

        public Finding {
            facts = List.copyOf(facts);
            tensors = List.copyOf(tensors);
            names = Map.copyOf(names);
        }

        static Finding of(Path place, String kind, Fact... facts) {
            return new Finding(place, kind, List.of(facts), List.of(), Map.of());
        }
    }

    /// Lists everything in a folder that is not hidden, sorted.
    private static List<Path> files(Path folder) {
        try (Stream<Path> content = Files.list(folder)) {
            return content.filter(path -> !path.getFileName().toString().startsWith("."))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(folder), "cannot be listed: " + e, e);
        }
    }

    /// Lists the safetensors files of a folder, sorted.
    private static List<Path> weights(Path folder) {
        return files(folder).stream()
                .filter(path -> path.toString().endsWith(".safetensors"))
                .toList();
    }

    private static List<Finding> template(Path folder, TrustedCode trusted) {
        TemplateFolder template = new TemplateFolder(folder, trusted);
        List<Fact> facts = new ArrayList<>();
        boolean source = Files.exists(folder.resolve("Model.java"));
        facts.add(new Fact("code", source ? "Model.java" : "model.jar"));
        facts.add(new Fact("inputs", template.describeInputs().orElseThrow()));
        template.describeRows().ifPresent(rows -> facts.add(new Fact("dataset rows", rows)));
        List<Finding> findings = new ArrayList<>();
        findings.add(new Finding(folder, "Template", facts, List.of(), Map.of()));
        weights(folder).forEach(file -> findings.add(WeightsInspector.inspect(file)));
        return findings;
    }
}
