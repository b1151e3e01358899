package io.stencil.cli.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.HubException;
import io.stencil.files.Sha256;
import io.stencil.hub.HubSettings;
import io.stencil.hub.RemoteCode;
import io.stencil.template.load.TrustedCode;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Whose a folder is that is named by its path.
class HubModelsTest {

    private static final String COMMIT = "c".repeat(40);

    @TempDir
    private Path temporary;

    private TrustedCode trusted(Path base, Path folder, boolean consent) {
        Map<String, String> environment = Map.of(
                "DIFFSYNTH_MODEL_BASE_PATH",
                base.toString(),
                "HF_HUB_CACHE",
                temporary.resolve("hf").toString());
        try (HubModels models = new HubModels(
                () -> HubSettings.of(HubSettings.Choices.NONE, environment, temporary),
                () -> HubSettings.roots(HubSettings.Choices.NONE, environment, temporary),
                new RemoteCode.Store(temporary.resolve("trust")),
                new RemoteCode.Consent(consent, null),
                new PrintWriter(new StringWriter()))) {
            return models.trusted(null, folder);
        }
    }

    private TrustedCode trusted(Path folder, boolean consent) {
        return trusted(temporary.resolve("models"), folder, consent);
    }

    private static Path code(Path folder) throws IOException {
        Files.createDirectories(folder);
        return Files.writeString(folder.resolve("Model.java"), "class Model {}");
    }

    /// Other tools fill the folder of models, and leave no record of where their files are from.
    @ParameterizedTest
    @CsvSource({
        "models/me/brightness, https://www.modelscope.cn/me/brightness",
        "models/me/brightness@v1/part, https://www.modelscope.cn/me/brightness",
        "hf/models--me--brightness/snapshots/cccccccccccccccccccccccccccccccccccccccc, https://huggingface.co/me/brightness"
    })
    void whatLiesAmongFetchedModelsIsOthers(String place, String repository) throws IOException {
        Path folder = temporary.resolve(place);
        Path code = code(folder);
        assertThatThrownBy(() -> trusted(folder, false))
                .isInstanceOf(HubException.class)
                .hasMessageStartingWith(repository + ": ")
                .hasMessageContainingAll("is code and is not run (" + code, "--trust_remote_code");
        Path link = Files.createSymbolicLink(temporary.resolve("mine"), folder);
        assertThatThrownBy(() -> trusted(link, false)).hasMessageStartingWith(repository + ": ");
        Path own = Files.createDirectories(temporary.resolve("own"));
        Files.createSymbolicLink(own.resolve("Model.java"), code);
        assertThatThrownBy(() -> trusted(own, false)).hasMessageContaining("is not run");

        assertThat(trusted(folder, true)).isEqualTo(TrustedCode.of(Sha256.of(code)));
        assertThat(trusted(folder, false)).isEqualTo(TrustedCode.of(Sha256.of(code)));
    }

    /// A revision of Hugging Face's cache is a link to content that lies elsewhere in it.
    @Test
    void theLinksOfHuggingFacesCacheAreOthers() throws IOException {
        Path model = temporary.resolve("elsewhere/models--me--brightness");
        Path blob = Files.createDirectories(model.resolve("blobs")).resolve("abc");
        Files.writeString(blob, "class Model {}");
        Path snapshot = Files.createDirectories(model.resolve("snapshots").resolve(COMMIT));
        Files.createSymbolicLink(snapshot.resolve("Model.java"), blob);
        assertThatThrownBy(() -> trusted(snapshot, false))
                .hasMessageStartingWith("https://huggingface.co/me/brightness: 'Model.java': is code and is not run");
    }

    @ParameterizedTest
    @ValueSource(strings = {"models", "models/mine", "hf/mine"})
    void aFolderOfOnesOwnAmongThemIsRefusedWithWhatToDo(String place) throws IOException {
        Path folder = temporary.resolve(place);
        code(folder);
        assertThatThrownBy(() -> trusted(folder, true))
                .isInstanceOf(HubException.class)
                .hasMessageStartingWith(folder + ": holds code and is not run; it lies in ")
                .hasMessageContainingAll("if it is your own, move it elsewhere", "--model_base_path");
        Files.delete(folder.resolve("Model.java"));
        assertThat(trusted(folder, false)).isEqualTo(TrustedCode.OWN);
    }

    @Test
    void othersCodeThatMayBeOnesOwnIsToldSo() throws IOException {
        Path folder = temporary.resolve("models/me/brightness");
        code(folder);
        assertThatThrownBy(() -> trusted(folder, false))
                .hasMessageContaining("if it is your own, move it elsewhere")
                .hasMessageContaining(temporary.resolve("models").toString());
    }

    /// The checkout's models and examples are its user's own, also where its models are the folder of models.
    @Test
    void theCheckoutsOwnFoldersStayUsable() throws IOException {
        Path relative = Path.of("")
                .toAbsolutePath()
                .relativize(TestFiles.root().resolve("models").toAbsolutePath());
        for (Path base : new Path[] {relative, TestFiles.root().resolve("models"), temporary.resolve("models")}) {
            assertThat(trusted(base, TestFiles.root().resolve("examples/brightness"), false))
                    .isEqualTo(TrustedCode.OWN);
            assertThat(trusted(base, TestFiles.root().resolve("models/tiny-klein"), false))
                    .isEqualTo(TrustedCode.OWN);
        }
        Path own = temporary.resolve("own");
        code(own);
        assertThat(trusted(own, false)).isEqualTo(TrustedCode.OWN);
    }
}
