package io.stencil.pipeline.models;

import io.stencil.error.Arguments;
import io.stencil.error.InvalidFileException;
import io.stencil.error.NameList;
import io.stencil.flux2.files.BaseModelPart;
import io.stencil.pipeline.unit.ModelRole;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Files of the parts of a base model.
///
/// @param parts one entry for each model: the files of its weights, one or more shards, or its folder; a single file
///     may hold several models
/// @param tokenizer folder with `tokenizer.json`; null for that of Qwen3, which is a part of this
///     library
public record ModelFiles(List<List<Path>> parts, @Nullable Path tokenizer) {

    private static final List<String> FOLDERS = List.of("transformer", "vae", "text_encoder");

    public ModelFiles {
        List<List<Path>> outer = Arguments.copyOf("parts", parts);
        parts = IntStream.range(0, outer.size())
                .mapToObj(i -> Arguments.copyOf("parts[%s]".formatted(i), outer.get(i)))
                .toList();
    }

    /// The parts of a folder in Hugging Face layout: `transformer`, `vae`, `text_encoder` and `tokenizer`.
    ///
    /// @throws InvalidFileException when the folder has none of them
    public static ModelFiles in(Path folder) {
        Arguments.require("folder", folder);
        List<List<Path>> parts = new ArrayList<>();
        for (String name : FOLDERS) {
            if (Files.isDirectory(folder.resolve(name))) {
                parts.add(List.of(folder.resolve(name)));
            }
        }
        if (parts.isEmpty()) {
            throw new InvalidFileException(folder, "expected folders %s, found none".formatted(NameList.of(FOLDERS)));
        }
        Path tokenizer = folder.resolve("tokenizer");
        return new ModelFiles(parts, Files.isDirectory(tokenizer) ? tokenizer : null);
    }

    /// Recognises the roles of the parts as loading does, without reading weights.
    ///
    /// @throws InvalidFileException when one is broken or not a part of FLUX.2
    public Set<ModelRole> roles() {
        Set<ModelRole> roles = EnumSet.noneOf(ModelRole.class);
        for (List<Path> part : parts) {
            for (BaseModelPart recognised : BaseModelPart.recognise(part)) {
                recognised.weights().close();
                roles.add(ModelRole.of(recognised.config()));
            }
        }
        return roles;
    }
}
