package io.stencil.tensor;

import java.util.regex.Pattern;

/// Messages of libtorch's exceptions, which continue with explanations and a trace of C++ frames.
public final class LibtorchMessage {

    private static final String BINDINGS = "org.bytedeco.";

    /// Begins messages of failed assertions: `[enforce fail at alloc_cpu.cpp:127] err == 0. `.
    private static final Pattern ENFORCE = Pattern.compile("^\\[enforce fail at [^]]*\\][^.]*\\. ");

    private static final Pattern AFTER_SENTENCE = Pattern.compile("(?<=[a-z0-9)\\]'\"][.!]) .*");

    private LibtorchMessage() {}

    /// Whether an exception was thrown by native code.
    public static boolean isFrom(Throwable thrown) {
        StackTraceElement[] trace = thrown.getStackTrace();
        return trace.length > 0
                && trace[0].isNativeMethod()
                && trace[0].getClassName().startsWith(BINDINGS);
    }

    /// The first sentence, which names the fault.
    public static String firstSentence(String message) {
        String line = message.lines()
                .map(String::strip)
                .filter(one -> !one.isEmpty())
                .findFirst()
                .orElse("");
        return AFTER_SENTENCE.matcher(ENFORCE.matcher(line).replaceFirst("")).replaceFirst("");
    }
}
