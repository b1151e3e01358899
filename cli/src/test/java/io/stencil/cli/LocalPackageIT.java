package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.hub.testing.FakeHub;
import io.stencil.hub.upload.Sha256Sums;
import io.stencil.testing.ShortPrompts;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A packaged Template on its author's disk: what can be seen of it without a hub and a token.
class LocalPackageIT {

    @TempDir
    private Path temporary;

    private final FakeHub fake = new FakeHub();

    @BeforeEach
    void packageTemplate() throws IOException {
        Path folder = Files.createDirectories(temporary.resolve("package"));
        Files.copy(
                TestFiles.golden("template_value_a").resolve("model.safetensors"), folder.resolve("model.safetensors"));
        Files.writeString(folder.resolve("README.md"), "a card");
        Sha256Sums.write(folder);
    }

    @AfterEach
    void close() {
        assertThat(fake.requests()).isEmpty();
        fake.close();
    }

    private StencilRun stencil(String... words) throws IOException, InterruptedException {
        Map<String, String> environment = Map.of(
                "MODELSCOPE_ENDPOINT", fake.site().toString(),
                "MODELSCOPE_API_TOKEN", "",
                "DIFFSYNTH_MODEL_BASE_PATH", temporary.resolve("models").toString());
        return StencilProcess.start(temporary, environment, words).await();
    }

    private StencilRun verify(String... more) throws IOException, InterruptedException {
        List<String> words = new ArrayList<>(List.of(
                "verify",
                "--model_paths=" + ShortPrompts.model(),
                "--dtype=float32",
                "--template_inputs={\"scale\": 0.9}",
                "--height=64",
                "--width=64",
                "--num_inference_steps=1"));
        words.addAll(Arrays.asList(more));
        return stencil(words.toArray(String[]::new));
    }

    @Test
    void aFolderIsVerifiedWithoutAHub() throws IOException, InterruptedException {
        StencilRun run = verify("./package", "--output=a.png").succeeded();
        assertThat(run.out()).isEqualTo("verified ./package: 2 checksums, an image of 64 x 64\n");
        assertThat(temporary.resolve("a.png")).isNotEmptyFile();

        Files.writeString(temporary.resolve("package/Model.java"), "class Model {}");
        verify("package").failed(1, "package/SHA256SUMS: does not name Model.java, which may be used in place");
        Files.delete(temporary.resolve("package/Model.java"));
        Files.writeString(temporary.resolve("package/README.md"), "another card");
        verify("package").failed(1, "package/README.md: is not what SHA256SUMS says");
        Files.delete(temporary.resolve("package/SHA256SUMS"));
        verify("package").failed(1, "package: has no SHA256SUMS", "make it with 'stencil package'");
        verify("./gone").failed(1, "'ID': './gone' is not a directory");
    }

    @Test
    void aDryRunNeedsNoToken() throws IOException, InterruptedException {
        StencilRun run = stencil("upload", "me/x", "package", "--dry_run").succeeded();
        assertThat(run.out().lines())
                .startsWith("would send README.md", "would send SHA256SUMS", "would send model.safetensors")
                .last()
                .asString()
                .contains(fake.site() + "/me/x: 3 files (", "to be sent, 0 as they were");
        assertThat(run.err())
                .isEqualTo(
                        "stencil: warning: the files at the hub are not known: upload needs a token: set MODELSCOPE_API_TOKEN, or name a file with --hub_token_file\n");
        assertThat(stencil("upload", "me/x", "package", "--dry_run", "--offline")
                        .succeeded()
                        .err())
                .endsWith("upload cannot be done offline\n");
        stencil("upload", "me/x", "package").failed(1, "'upload': needs a token: set MODELSCOPE_API_TOKEN");
    }
}
