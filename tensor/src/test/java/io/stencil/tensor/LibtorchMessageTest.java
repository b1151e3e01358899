package io.stencil.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The first sentence of a message of libtorch names the fault; explanations and C++ frames follow it.
class LibtorchMessageTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "Cannot copy out of meta tensor; no data!~Exception raised from copy_impl at /x/Copy.cpp:215"
                        + "|Cannot copy out of meta tensor; no data!",
                "shape '[3, 3]' is invalid for input of size 512~Exception raised from infer_size_impl"
                        + "|shape '[3, 3]' is invalid for input of size 512",
                "Trying to backward through the graph a second time (or directly access saved tensors after they have already"
                        + " been freed). Saved intermediate values of the graph are freed when you call .backward()"
                        + "|Trying to backward through the graph a second time (or directly access saved tensors after they"
                        + " have already been freed).",
                "Could not run 'aten::x.out' with arguments from the 'Meta' backend. This could be because the operator"
                        + "|Could not run 'aten::x.out' with arguments from the 'Meta' backend.",
                "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to"
                        + " allocate 64 bytes. Error code 12 (Cannot allocate memory)"
                        + "|DefaultCPUAllocator: can't allocate memory: you tried to allocate 64 bytes.",
                "~~  expected 0.5 and 1.25 ~frame #0|expected 0.5 and 1.25",
                "``|``",
            })
    void theFirstSentenceIsKept(String message, String sentence) {
        assertThat(LibtorchMessage.firstSentence(message.replace('~', '\n'))).isEqualTo(sentence);
    }

    @Test
    void exceptionsOfNativeCodeAreKnown() {
        try (Scope _ = new Scope()) {
            Throwable thrown = catchThrowable(
                    () -> Tensors.zeros(DType.FLOAT32, Device.CPU, 2).reshape(3));
            assertThat(LibtorchMessage.isFrom(thrown)).isTrue();
            assertThat(LibtorchMessage.firstSentence(String.valueOf(thrown.getMessage())))
                    .isEqualTo("shape '[3]' is invalid for input of size 2");
        }
        assertThat(LibtorchMessage.isFrom(new IllegalStateException("odd"))).isFalse();
    }
}
