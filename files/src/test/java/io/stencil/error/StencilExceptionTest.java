package io.stencil.error;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class StencilExceptionTest {

    static Stream<Arguments> reasons() {
        return Stream.of(
                Arguments.of(new AccessDeniedException("a.json"), "permission denied"),
                Arguments.of(new AccessDeniedException("/b"), "permission denied (/b)"),
                Arguments.of(new NoSuchFileException("a.json"), "no such file or directory"),
                Arguments.of(new FileAlreadyExistsException("/b"), "the name is taken (/b)"),
                Arguments.of(new NotDirectoryException("/b"), "not a directory (/b)"),
                Arguments.of(new DirectoryNotEmptyException("/b"), "the directory is not empty (/b)"),
                Arguments.of(
                        new FileSystemException("/b", null, "No space left on device"), "No space left on device (/b)"),
                Arguments.of(new MalformedInputException(1), "not UTF-8 text"),
                Arguments.of(new IOException("Is a directory"), "Is a directory"));
    }

    @ParameterizedTest
    @MethodSource
    void reasons(IOException fault, String reason) {
        Location file = Location.of(Path.of("a.json"));

        assertThat(new InvalidFileException(file, "cannot be read: " + fault, fault))
                .hasMessage("a.json: cannot be read: " + reason)
                .hasCause(fault);
        UncheckedIOException wrapped = new UncheckedIOException(fault);
        assertThat(new InvalidFileException(file, "cannot be read: " + wrapped, wrapped))
                .hasMessage("a.json: cannot be read: " + reason);
    }

    @Test
    void anExceptionThatIsNotQuotedChangesNothing() {
        assertThat(new InvalidFileException(Location.of(Path.of("a")), "is odd", new IOException("x")))
                .hasMessage("a: is odd");
    }
}
