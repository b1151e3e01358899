package io.stencil.cli.models;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.files.LocalPath;
import io.stencil.hub.download.Snapshot;
import io.stencil.hub.provider.HubReference;
import io.stencil.pipeline.models.ModelFiles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// `ORIGIN:PATTERN`: files of a model repository; the pattern is a glob inside it, and an empty one means all of
/// it.
///
/// The origin is a local folder, or where there is none of that name, the ID of a repository, which is fetched.
///
/// @param option of the command line that gave it, for messages
/// @param fetched what was fetched; null for a local folder
public record OriginPath(
        String option,
        Path origin,
        String pattern,
        @Nullable Snapshot fetched) {

    static final String LIST_OPTION = "model_id_with_origin_paths";

    /// @throws io.stencil.error.StencilException when the origin is no local folder and cannot be fetched
    public static OriginPath parse(String option, String text, RemoteModels remote) {
        int colon = text.lastIndexOf(':');
        String origin = colon < 0 ? text : text.substring(0, colon);
        String pattern = colon < 0 ? "" : text.substring(colon + 1);
        Path folder = FilePattern.path(option, origin);
        if (origin.isBlank()) {
            throw new InvalidRequestException(option, "'%s' must be FOLDER:PATTERN".formatted(text));
        }
        if (Files.isDirectory(folder)) {
            return new OriginPath(option, folder, pattern, null);
        }
        if (HubReference.matches(text)) {
            HubReference reference = HubReference.parse(option, text);
            Snapshot snapshot = remote.fetch(reference);
            return new OriginPath(option, snapshot.folder(), reference.pattern(), snapshot);
        }
        String what = HubReference.matches(text + ":")
                ? "'%1$s' is not a local directory; to have it from a hub, write '%1$s:'"
                : "'%s' is not a directory";
        throw new InvalidRequestException(option, what.formatted(origin) + LocalPath.hint(text));
    }

    /// The models that a comma-separated list names, each entry one model or, without a pattern, a whole folder.
    public static ModelFiles models(String list, RemoteModels remote) {
        List<List<Path>> parts = new ArrayList<>();
        Path tokenizer = null;
        for (String entry : split(LIST_OPTION, list)) {
            OriginPath path = parse(LIST_OPTION, entry, remote);
            if (path.pattern.isEmpty() && ModelPaths.isWholeModel(path.origin)) {
                ModelFiles whole = ModelFiles.in(path.origin);
                parts.addAll(whole.parts());
                tokenizer = whole.tokenizer();
            } else {
                parts.add(path.weights());
            }
        }
        return new ModelFiles(parts, tokenizer);
    }

    /// The files that the pattern matches; the folder itself where there is none.
    public List<Path> files() {
        if (fetched != null && FilePattern.isGlob(pattern)) {
            return fetched.files();
        }
        Path literal = FilePattern.isGlob(pattern) ? null : origin.resolve(pattern);
        return literal != null && Files.exists(literal)
                ? List.of(literal)
                : FilePattern.of(option, origin, pattern).files();
    }

    /// The files of one model: where a pattern such as `vae/*` matches what lies beside weights too, the weights
    /// alone.
    List<Path> weights() {
        return FilePattern.weights(files());
    }

    /// The one folder that is meant: the origin, or the subfolder that the pattern names.
    ///
    /// @throws InvalidRequestException when it is not there
    public Path folder() {
        Path folder = origin.resolve(pattern);
        if (!Files.isDirectory(folder)) {
            throw new InvalidRequestException(option, "'%s' is not a directory in %s".formatted(pattern, origin));
        }
        return folder;
    }

    /// One file: a local path, or `ID:PATH`.
    ///
    /// @throws io.stencil.error.StencilException when it is not there
    public static Path file(String option, String text, RemoteModels remote) {
        Path plain = FilePattern.path(option, text);
        return Files.isRegularFile(plain)
                ? plain
                : remote(option, text, plain, remote).file(text);
    }

    /// A LoRA: a local file or PEFT folder, `ID:FILE`, or `ID:` or `ID:FOLDER` for a PEFT folder.
    ///
    /// @throws io.stencil.error.StencilException when it is not there
    public static Path lora(String text, RemoteModels remote) {
        Path plain = FilePattern.path("lora", text);
        if (Files.exists(plain)) {
            return plain;
        }
        OriginPath path = remote("lora", text, plain, remote);
        boolean folder = !FilePattern.isGlob(path.pattern) && Files.isDirectory(path.origin.resolve(path.pattern));
        return folder ? path.folder() : path.file(text);
    }

    private static OriginPath remote(String option, String text, Path plain, RemoteModels remote) {
        if (!HubReference.matches(text)) {
            throw new InvalidFileException(plain, "no such file; --%s must name a safetensors file".formatted(option));
        }
        return parse(option, text, remote);
    }

    private Path file(String text) {
        List<Path> files = files();
        if (files.size() != 1 || !Files.isRegularFile(files.getFirst())) {
            throw new InvalidRequestException(option, "'%s' must name one file".formatted(text));
        }
        return files.getFirst();
    }

    /// A checkpoint: a local path, or `ID:PATH`.
    ///
    /// @throws io.stencil.error.StencilException when it is not there
    public static Path checkpoint(String option, String text, RemoteModels remote) {
        Path plain = FilePattern.path(option, text);
        if (Files.notExists(plain) && HubReference.matches(text)) {
            return file(option, text, remote);
        }
        if (!Files.isRegularFile(plain)) {
            throw new InvalidRequestException(option, "'%s' is not a file".formatted(text));
        }
        return plain;
    }

    /// Splits at commas, except inside braces: `a:{x,y}.safetensors` is one entry.
    static List<String> split(String option, String list) {
        List<String> entries = new ArrayList<>();
        int depth = 0;
        int begin = 0;
        for (int i = 0; i <= list.length(); i++) {
            char c = i < list.length() ? list.charAt(i) : ',';
            depth += c == '{' ? 1 : c == '}' ? -1 : 0;
            if (c == ',' && (depth == 0 || i == list.length())) {
                entries.add(list.substring(begin, i).strip());
                begin = i + 1;
            }
        }
        entries.removeIf(String::isEmpty);
        if (entries.isEmpty()) {
            throw new InvalidRequestException(option, "names no model");
        }
        return entries;
    }

    /// A folder with a tokenizer: `FOLDER` or `ORIGIN:FOLDER`.
    ///
    /// @throws InvalidRequestException when there is no `tokenizer.json` in it
    static Path tokenizer(String text, RemoteModels remote) {
        Path plain = FilePattern.path("tokenizer_path", text);
        Path folder = Files.exists(plain)
                ? plain
                : parse("tokenizer_path", text, remote).folder();
        @Nullable Path parent = folder.getParent();
        Path resolved = folder.endsWith("tokenizer.json") && parent != null ? parent : folder;
        if (!Files.isRegularFile(resolved.resolve("tokenizer.json"))) {
            throw new InvalidRequestException("tokenizer_path", "'%s' has no tokenizer.json".formatted(text));
        }
        return resolved;
    }
}
