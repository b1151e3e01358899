package io.stencil.hub.fetch;

import java.util.Locale;
import java.util.Set;

/// Which files a model may consist of: weights that run nothing when they are read, JSON, text, pictures, and a
/// Template's
/// code, which is run only when it is trusted. Pickles, scripts and archives are none of them.
public final class FileKinds {

    /// Names of files with code.
    public static final Set<String> CODE = Set.of("Model.java", "model.jar");

    private static final Set<String> EXTENSIONS =
            Set.of("safetensors", "json", "jsonl", "txt", "md", "jinja", "png", "jpg", "jpeg", "webp", "gif");
    private static final Set<String> TEXTS = Set.of("txt", "md", "jinja");
    private static final Set<String> NAMES = Set.of("LICENSE", "NOTICE", "SHA256SUMS");

    private FileKinds() {}

    /// @param path inside a repository, with `/` between folders
    public static boolean isAllowed(String path) {
        String name = path.substring(path.lastIndexOf('/') + 1);
        int dot = name.lastIndexOf('.');
        return CODE.contains(name)
                || NAMES.contains(name)
                || (dot > 0 && EXTENSIONS.contains(name.substring(dot + 1).toLowerCase(Locale.ROOT)));
    }

    /// Whether a file is text that may hold anything, HTML too.
    ///
    /// @param path inside a repository, with `/` between folders
    static boolean isText(String path) {
        String name = path.substring(path.lastIndexOf('/') + 1);
        String extension = name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
        return TEXTS.contains(extension) || NAMES.contains(name);
    }

    /// Whether a file alone may change what a model does: its code, its weights, and what tells which files hold them.
    ///
    /// @param path inside a repository, with `/` between folders
    public static boolean isDecisive(String path) {
        return CODE.contains(path.substring(path.lastIndexOf('/') + 1))
                || path.endsWith(".safetensors")
                || path.endsWith(".safetensors.index.json");
    }

    /// For messages.
    public static String describe() {
        return "safetensors, JSON, text, pictures, Model.java and model.jar";
    }
}
