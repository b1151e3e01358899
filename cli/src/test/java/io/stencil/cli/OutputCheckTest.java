package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutputCheckTest {

    @TempDir
    private Path folder;

    @Test
    void aNewFileInANewFolderIsFineAndNothingIsMade() {
        OutputCheck.requireFile("output", folder.resolve("a/b/c.PNG"), ".png");
        OutputCheck.requireFolder("output_path", folder.resolve("a/b"));

        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void anotherExtensionIsRefused() {
        assertThatThrownBy(() -> OutputCheck.requireFile("output", Path.of("a.jpg"), ".png"))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'output': 'a.jpg' must end in .png: that is the format written");
    }

    @Test
    void aFolderInTheWayIsRefused() {
        Path png = folder.resolve("x.png");
        assertThat(png.toFile().mkdir()).isTrue();

        assertThatThrownBy(() -> OutputCheck.requireFile("output", png, ".png")).hasMessageContaining("is a folder");
    }

    @Test
    void aFileInPlaceOfAFolderIsRefused() throws IOException {
        Path file = Files.createFile(folder.resolve("file"));

        assertThatThrownBy(() -> OutputCheck.requireFile("output", file.resolve("deep/x.png"), ".png"))
                .hasMessageContaining("'%s' is not a directory", file);
        assertThatThrownBy(() -> OutputCheck.requireFolder("output_path", file))
                .hasMessageContaining("is not a directory");
    }
}
