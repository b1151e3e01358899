package io.stencil.template.load;

import io.stencil.error.Location;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// The line of a Template's code at which something was thrown.
///
/// @param frame of a class that was loaded from the Template's folder
record AuthorLine(StackTraceElement frame) {

    /// Name of the class loaders of Templates, by which their frames are known in any stack trace.
    static final String LOADER = "template";

    /// The innermost frame of a Template's code: that of the deepest cause that has one.
    static Optional<AuthorLine> of(Throwable thrown) {
        return causes(thrown).reversed().stream()
                .flatMap(cause -> List.of(cause.getStackTrace()).stream()
                        .filter(AuthorLine::isAuthors)
                        .limit(1))
                .findFirst()
                .map(AuthorLine::new);
    }

    /// Returns whether the Template's own code threw the exception, rather than a library that it called.
    static boolean isThrownByAuthor(Throwable thrown) {
        StackTraceElement[] trace = thrown.getStackTrace();
        return trace.length > 0 && isAuthors(trace[0]);
    }

    /// Returns whether a class was loaded from a Template's folder.
    static boolean isAuthors(Class<?> type) {
        ClassLoader loader = type.getClassLoader();
        return loader != null && LOADER.equals(loader.getName());
    }

    private static boolean isAuthors(StackTraceElement frame) {
        return LOADER.equals(frame.getClassLoaderName());
    }

    /// The exception and its causes, from the outside in.
    static List<Throwable> causes(Throwable thrown) {
        List<Throwable> causes = new ArrayList<>();
        Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        for (Throwable one = thrown; one != null && seen.add(one); one = one.getCause()) {
            causes.add(one);
        }
        return causes;
    }

    /// The line in `origin` when that is the source of the class, else `origin` alone, which is a jar then.
    Location location(Path origin) {
        return isIn(origin) ? Location.of(origin, frame.getLineNumber()) : Location.of(origin);
    }

    /// Names class, method and line inside a jar, which [#location] omits.
    String addition(Path origin) {
        return isIn(origin)
                ? ""
                : " (at %s.%s%s)"
                        .formatted(frame.getClassName(), frame.getMethodName(), hasLine() ? ", " + fileAndLine() : "");
    }

    private boolean isIn(Path origin) {
        return hasLine() && origin.endsWith(String.valueOf(frame.getFileName()));
    }

    private boolean hasLine() {
        return frame.getFileName() != null && frame.getLineNumber() > 0;
    }

    private String fileAndLine() {
        return frame.getFileName() + ":" + frame.getLineNumber();
    }

    /// `Model.java:12`, or class and method where the code was compiled without lines.
    @Override
    public String toString() {
        return hasLine() ? fileAndLine() : frame.getClassName() + "." + frame.getMethodName();
    }
}
