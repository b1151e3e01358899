package io.stencil.lab.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A demo replaces what a demo made, and nothing else.
class DemoFolderTest {

    @TempDir
    private Path temporary;

    private Path folder() {
        return temporary.resolve("demo");
    }

    private DemoFolder demo() {
        return new DemoFolder(folder(), List.of(folder().resolve("brightness"), folder().resolve("index.html")));
    }

    @BeforeEach
    void aDemoComesToItsEnd() throws IOException {
        DemoFolder demo = demo();
        demo.claim();
        demo.replace(List.of(folder().resolve("brightness")), () -> write("brightness/Model.java", "class Model {}"));
        demo.replace(List.of(folder().resolve("index.html")), () -> write("index.html", "a page"));
    }

    private void write(String path, String text) throws IOException {
        Path file = folder().resolve(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private void refused(String message) {
        assertThatThrownBy(demo()::claim)
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContainingAll("'output'", message, "name another folder");
    }

    private void allowed() {
        assertThatCode(demo()::claim).doesNotThrowAnyException();
    }

    @Test
    void whatItMadeIsReplaced() throws IOException {
        Files.delete(folder().resolve("index.html"));
        allowed();
    }

    @Test
    void whatWasChangedSinceIsKept() throws IOException {
        write("brightness/Model.java", "class Model { int mine; }");
        refused("'brightness/Model.java' was changed after the demo");
        refused("'brightness/Model.java' was changed after the demo");
    }

    @Test
    void whatWasPutBesideItIsKept() throws IOException {
        write("brightness/Mine.java", "class Mine {}");
        refused("'brightness/Mine.java' was put there after the demo");
    }

    /// Its content would be written over.
    @Test
    void aLinkInPlaceOfAPartIsKept() throws IOException {
        Path own = Files.createDirectory(temporary.resolve("own"));
        Files.move(folder().resolve("brightness/Model.java"), own.resolve("Model.java"));
        Files.delete(folder().resolve("brightness"));
        Files.createSymbolicLink(folder().resolve("brightness"), own);
        refused("'brightness' was put there after the demo");
    }

    /// Also where it is changed between two demos that leave it alone.
    @Test
    void whatItDoesNotTouchDoesNotMatter() throws IOException {
        for (String text : List.of("mine", "mine still")) {
            write("notes.txt", text);
            write("own/Model.java", text);
            allowed();
            DemoFolder demo = demo();
            demo.claim();
            demo.replace(List.of(folder().resolve("index.html")), () -> write("index.html", "another page"));
        }
        allowed();
    }

    /// What it was at work on is nobody's; the rest is as it was left.
    @Test
    void aStoppedDemoGivesUpThePartThatItWasMaking() throws IOException {
        DemoFolder stopped = demo();
        stopped.claim();
        assertThatThrownBy(() -> stopped.replace(List.of(folder().resolve("index.html")), () -> {
                    write("index.html", "half a p");
                    throw new IOException("no space left");
                }))
                .hasMessage("no space left");
        allowed();
        write("brightness/Model.java", "class Model { int mine; }");
        refused("'brightness/Model.java' was changed after the demo");
    }

    /// Weights lie within the Template's folder, and are made after the rest of it.
    @Test
    void aPartWithinAPartIsGivenUpAlone() throws IOException {
        Path weights = folder().resolve("brightness/model.safetensors");
        DemoFolder stopped = demo();
        stopped.claim();
        assertThatThrownBy(() -> stopped.replace(List.of(weights), () -> {
                    write("brightness/model.safetensors", "half");
                    write("brightness/.model.safetensors.2f1c2c7e-5d0b-4a53-9b0e-0c5a5f3f9d11.tmp", "ha");
                    throw new IOException("no space left");
                }))
                .hasMessage("no space left");
        allowed();
        write("brightness/Model.java", "class Model { int mine; }");
        refused("'brightness/Model.java' was changed after the demo");
    }

    @Test
    void aLinkToAFolderOfOthersIsNoDemos() throws IOException {
        Path others = Files.createDirectory(temporary.resolve("others"));
        Files.writeString(others.resolve("notes.txt"), "mine");
        Path link = Files.createSymbolicLink(temporary.resolve("link"), others);
        assertThatThrownBy(() -> new DemoFolder(link, List.of()).claim())
                .hasMessageContaining("holds 'notes.txt' and is not marked as a demo's");
        assertThat(others.resolve(".stencil-demo")).doesNotExist();
    }
}
