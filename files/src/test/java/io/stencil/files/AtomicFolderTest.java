package io.stencil.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFolderTest {

    @TempDir
    private Path place;

    private List<String> names() throws IOException {
        try (Stream<Path> content = Files.list(place)) {
            return content.map(path -> path.getFileName().toString()).sorted().toList();
        }
    }

    private static void fill(Path folder) throws IOException {
        Files.createDirectories(folder.resolve("deep/er"));
        Files.writeString(folder.resolve("deep/er/a.txt"), "a");
    }

    @Test
    void theFolderAppearsWhenItIsWhole() throws IOException {
        Path target = place.resolve("new/set");

        AtomicFolder.write(target, folder -> {
            fill(folder);
            assertThat(target).doesNotExist();
        });

        assertThat(target.resolve("deep/er/a.txt")).hasContent("a");
        assertThat(names()).containsExactly("new");
    }

    @Test
    void anEmptyFolderIsReplaced() throws IOException {
        Path target = Files.createDirectory(place.resolve("set"));

        AtomicFolder.write(target, AtomicFolderTest::fill);

        assertThat(target.resolve("deep/er/a.txt")).hasContent("a");
    }

    @Test
    void aFailedWriteLeavesNothing() throws IOException {
        assertThatThrownBy(() -> AtomicFolder.write(place.resolve("set"), folder -> {
                    fill(folder);
                    throw new IOException("disk full");
                }))
                .isInstanceOf(IOException.class)
                .hasMessage("disk full");

        assertThat(names()).isEmpty();
    }

    @Test
    void whatIsThereIsNotReplaced() throws IOException {
        Path target = Files.createDirectory(place.resolve("set"));
        Files.writeString(target.resolve("mine.txt"), "mine");
        Path file = Files.writeString(place.resolve("file"), "mine");

        assertThatThrownBy(() -> AtomicFolder.write(target, AtomicFolderTest::fill))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("set: is not empty");
        assertThatThrownBy(() -> AtomicFolder.write(file, AtomicFolderTest::fill))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("file: is not a directory");
        assertThat(target.resolve("mine.txt")).hasContent("mine");
        assertThat(names()).containsExactly("file", "set");
    }

    @Test
    void whatAppearsMeanwhileIsNotReplaced() {
        Path target = place.resolve("set");

        assertThatThrownBy(() -> AtomicFolder.write(target, _ -> fill(target)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("is not empty");
        assertThat(target.resolve("deep/er/a.txt")).hasContent("a");
    }

    @Test
    void removesAFolderWithAllThatIsInIt() throws IOException {
        Path target = place.resolve("old");
        Files.createDirectories(target.resolve("below"));
        Files.writeString(target.resolve("below/file"), "x");
        AtomicFolder.remove(target);
        assertThat(place).isEmptyDirectory();
    }
}
