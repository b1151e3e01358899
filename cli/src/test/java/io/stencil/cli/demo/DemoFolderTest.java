package io.stencil.cli.demo;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A demo replaces what a demo made, and nothing else.
class DemoFolderTest {

    @TempDir
    private Path folder;

    @BeforeEach
    void aDemoComesToItsEnd() throws IOException {
        DemoFolder demo = new DemoFolder(folder);
        demo.claim();
        write("index.html", "a page");
        write("brightness/Model.java", "class Model {}");
        demo.finish();
    }

    private void write(String path, String text) throws IOException {
        Path file = folder.resolve(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private void refused(String message) {
        ThrowingCallable next = () -> new DemoFolder(folder).claim();
        assertThatThrownBy(next)
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContainingAll("'output'", message, "name another folder");
        assertThatThrownBy(next).hasMessageContaining(message);
    }

    private void allowed() {
        assertThatCode(() -> new DemoFolder(folder).claim()).doesNotThrowAnyException();
    }

    @Test
    void whatItMadeIsReplaced() {
        allowed();
    }

    @Test
    void whatWasChangedSinceIsKept() throws IOException {
        write("brightness/Model.java", "class Model { int mine; }");
        refused("'brightness/Model.java' was changed after the demo");
    }

    @Test
    void whatWasPutBesideItIsKept() throws IOException {
        write("brightness/Mine.java", "class Mine {}");
        refused("'brightness/Mine.java' was put there after the demo");
    }

    @Test
    void whatItDoesNotTouchDoesNotMatter() throws IOException {
        write("notes.txt", "mine");
        write("own/Model.java", "class Model {}");
        Files.delete(folder.resolve("index.html"));
        allowed();
    }

    /// It left no list of what it made.
    @Test
    void whatAStoppedDemoMadeIsReplaced() throws IOException {
        new DemoFolder(folder).claim();
        write("brightness/Model.java", "class Model { int half; }");
        allowed();
    }
}
