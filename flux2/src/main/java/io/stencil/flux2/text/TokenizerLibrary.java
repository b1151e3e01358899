package io.stencil.flux2.text;

import ai.djl.engine.EngineException;
import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.util.Platform;
import ai.djl.util.Utils;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.files.AtomicFolder;
import io.stencil.tensor.NativeAccess;
import java.io.IOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;

/// Loads the native library of the tokenizer, which is unpacked into a folder of its version on first use.
///
/// The unpacked folder is renamed into place as a whole, so that processes do not disturb each other. What a full
/// disk or a power cut left short is replaced here, as mapping it would end the JVM.
final class TokenizerLibrary {

    private static final String NAME = "tokenizers";

    private static final String REMEDY =
            "free space there, or name another folder in the environment variable ENGINE_CACHE_DIR";

    private static boolean loaded;

    private TokenizerLibrary() {}

    /// Cheap after the first call.
    ///
    /// @throws InvalidFileException when the folder for it cannot be written, or the library cannot be loaded from
    /// there
    /// @throws io.stencil.error.InvalidRequestException when Java denies native access
    static synchronized void load() {
        if (loaded) {
            return;
        }
        // The library would otherwise report its use to its makers and fetch a CUDA build of itself where it sees a
        // GPU.
        setDefault("ai.djl.offline", "true");
        setDefault("OPT_OUT_TRACKING", "true");
        // It logs by SLF4J, which would print that an application without a logging library has none.
        setDefault("slf4j.internal.verbosity", "ERROR");
        Path cache = Utils.getEngineCacheDir(NAME);
        try {
            removeBroken(cache);
            NativeAccess.load("the tokenizer", LibUtils::checkStatus);
        } catch (IOException | EngineException | LinkageError e) {
            throw new InvalidFileException(
                    Location.of(cache),
                    "the tokenizer's native library cannot be unpacked or loaded there (%s); %s"
                            .formatted(rootOf(e), REMEDY),
                    e);
        }
        loaded = true;
    }

    private static void setDefault(String property, String value) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, value);
        }
    }

    private static void removeBroken(Path cache) throws IOException {
        Platform platform = Platform.detectPlatform(NAME);
        String file = System.mapLibraryName(NAME);
        URL inJar = LibUtils.class.getResource("/native/lib/" + platform.getClassifier() + "/cpu/" + file);
        Path folder = cache.resolve(platform.getVersion() + "-cpu-" + platform.getClassifier());
        Path unpacked = folder.resolve(file);
        if (inJar != null
                && Files.isRegularFile(unpacked)
                && Files.size(unpacked) != inJar.openConnection().getContentLengthLong()) {
            AtomicFolder.remove(folder);
        }
    }

    private static Throwable rootOf(Throwable fault) {
        Throwable root = fault;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return root;
    }
}
