package io.stencil.tensor;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;

/// Translates the JDK's refusal to load native libraries.
public final class NativeAccess {

    private static volatile boolean denied;

    private NativeAccess() {}

    /// Runs code that loads a native library.
    ///
    /// @param library its name, for the message
    /// @throws InvalidRequestException when Java was started with `--illegal-native-access=deny`, or will deny native
    ///     access by default, and no option enables it
    public static void load(String library, Runnable loading) {
        try {
            loading.run();
        } catch (RuntimeException | LinkageError fault) {
            if (isDenied(fault)) {
                throw new InvalidRequestException(
                        Location.ofField("--enable-native-access"),
                        "Java denies native access, and " + library
                                + " is a native library; start Java with --enable-native-access=ALL-UNNAMED, or with the"
                                + " names of the modules where they are on the module path",
                        fault);
            }
            throw fault;
        }
    }

    /// After a denial, classes whose initialisers failed for it fail with errors that do not name it.
    private static boolean isDenied(Throwable fault) {
        for (Throwable cause = fault; cause != null; cause = cause.getCause()) {
            if (cause instanceof IllegalCallerException) {
                denied = true;
                return true;
            }
        }
        return denied && fault instanceof NoClassDefFoundError;
    }
}
