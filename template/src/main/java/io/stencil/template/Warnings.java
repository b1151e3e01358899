package io.stencil.template;

import io.stencil.error.VisibleText;

/// Receives warnings for the user.
@FunctionalInterface
public interface Warnings {
    void warn(String message);

    /// Through the Java platform's logging.
    static Warnings logged() {
        System.Logger logger = System.getLogger("io.stencil");
        return message -> logger.log(System.Logger.Level.WARNING, VisibleText.of(message));
    }
}
