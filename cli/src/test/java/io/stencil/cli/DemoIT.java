package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DemoIT {

    private static final Pattern LINK = Pattern.compile("href=\"([^\"]+)\"");

    private static final Pattern PICTURE = Pattern.compile("src=\"([^\"]+)\"");
    private static final int GRIDS = 3;
    private static final int CAPTIONS = 2;
    private static final int SCALES = 9;

    @TempDir
    private static Path shared;

    @SuppressWarnings("NullAway.Init")
    private static StencilRun demo;

    @TempDir
    private Path folder;

    /// Runs one demo as a process, for all tests; `--output` is relative to its working directory.
    @BeforeAll
    static void runDemo() throws IOException, InterruptedException {
        demo = StencilProcess.run(shared, words("out put")).succeeded();
    }

    /// A demo of few images, each of few steps.
    private static String[] words(String output) {
        return new String[] {
            "demo",
            "--images=20",
            "--num_inference_steps=2",
            "--share=0.05",
            "--steps=3",
            "--seed=3",
            "--output=" + output
        };
    }

    @Test
    void leavesAPageThatHoldsItsPicturesAndWhoseLinksAllLead() throws IOException {
        Path output = shared.resolve("out put");
        assertThat(demo.out())
                .containsPattern(
                        "correlation of scale and brightness -?\\d\\.\\d+, validation loss \\d\\.\\d+ -> \\d\\.\\d+");
        assertThat(demo.out()).contains("open " + output.resolve("index.html").toUri());
        assertThat(output.resolve("brightness/model.safetensors")).exists();
        String page = Files.readString(output.resolve("index.html"));
        assertThat(page).doesNotContain("{{");
        Matcher link = LINK.matcher(page);
        int links = 0;
        while (link.find()) {
            assertThat(output.resolve(link.group(1))).exists();
            links++;
        }
        assertThat(links).isGreaterThan(5);
        List<String> pictures =
                PICTURE.matcher(page).results().map(result -> result.group(1)).toList();
        assertThat(pictures)
                .hasSizeGreaterThan(GRIDS * CAPTIONS * SCALES)
                .allSatisfy(picture -> assertThat(picture).startsWith("data:"));
        assertThat(new HashSet<>(pictures))
                .as("guidance on the Template changes all but its neutral scale")
                .hasSize(pictures.size() - CAPTIONS);
    }

    /// Repeats it in the folder of the first demo, whose files are replaced.
    @Test
    void aSeedRepeatsTheDemo() throws IOException {
        Path output = shared.resolve("out put");
        List<Path> files =
                List.of(output.resolve("brightness/model.safetensors"), output.resolve("dataset/images/000007.png"));
        List<byte[]> before = new ArrayList<>();
        for (Path file : files) {
            before.add(Files.readAllBytes(file));
            Files.setLastModifiedTime(file, FileTime.fromMillis(0));
        }
        StencilRun.inProcess(words(output.toString())).succeeded();
        for (Path file : files) {
            assertThat(file).hasBinaryContent(before.get(files.indexOf(file)));
            assertThat(Files.getLastModifiedTime(file)).as("written anew").isGreaterThan(FileTime.fromMillis(0));
        }
    }

    @Test
    void aFolderWithOtherFilesIsRefusedAndKept() throws IOException {
        Path own = Files.createDirectories(folder.resolve("dataset")).resolve("metadata.jsonl");
        Files.writeString(own, "{}");

        StencilRun.inProcess("demo", "--output=" + folder).failed(1, "'output'", "'dataset'", "name another folder");

        assertThat(own).hasContent("{}");
        assertThat(StencilRun.content(folder)).containsExactly("dataset", "dataset/metadata.jsonl");
    }

    @Test
    void anOutputThatIsAFileIsRefused() throws IOException {
        Path file = Files.createFile(folder.resolve("file"));

        StencilRun.inProcess("demo", "--output=" + file).failed(1, "'output'", "is not a directory");
    }
}
