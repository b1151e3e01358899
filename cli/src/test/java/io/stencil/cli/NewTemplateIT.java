package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.files.StencilVersion;
import io.stencil.safetensors.SafetensorsHeader;
import io.stencil.testing.ShortPrompts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What `new-template` writes compiles, trains, and can be packaged.
class NewTemplateIT {

    @TempDir
    private Path temporary;

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "value; {\"scale\": 0.5}",
                "image-kv; {\"image\": \"0.png\"}",
                "lora; {\"scale\": 0.5}",
                "text; {\"scale\": 0.5}"
            })
    void everyFamilyTrainsAndIsPackaged(String family, String inputs) throws IOException {
        Path folder = temporary.resolve("my-template");
        StencilRun.inProcess("new-template", folder.toString(), "--family=" + family)
                .succeeded();
        assertThat(folder.resolve("README.md"))
                .content()
                .contains("# my-template")
                .doesNotContain("@");
        assertThat(folder.resolve("pom.xml"))
                .content()
                .contains("<version>%s</version>".formatted(StencilVersion.number()));
        assertThat(StencilRun.inProcess("inspect", folder.toString())
                        .succeeded()
                        .out())
                .contains("Template", "inputs");

        TrainingFolder training = TrainingFolder.make(temporary);
        training.write(TrainingFolder.row("\"0.png\"", inputs));
        StencilRun.inProcess(training.words("--template_model_id_or_path=" + folder))
                .succeeded();
        Path checkpoint = training.output().resolve("checkpoints/epoch-0.safetensors");
        Path output = temporary.resolve("package");
        StencilRun.inProcess(
                        "package",
                        "--model_paths=" + ShortPrompts.model(),
                        "--dtype=float32",
                        "--template_model_id_or_path=" + folder,
                        "--checkpoint=" + checkpoint,
                        "--template_inputs="
                                + inputs.replace(
                                        "0.png",
                                        training.dataset().resolve("0.png").toString()),
                        "--height=64",
                        "--width=64",
                        "--num_inference_steps=1",
                        "--output_path=" + output)
                .succeeded();
        assertThat(output.resolve("SHA256SUMS")).content().contains("  model.safetensors\n", "  Model.java\n");
        assertThat(SafetensorsHeader.read(output.resolve("model.safetensors"))
                        .entries()
                        .keySet())
                .isEqualTo(SafetensorsHeader.read(checkpoint).entries().keySet());
    }

    @Test
    void aFolderThatIsNotEmptyStaysAsItIs() throws IOException {
        Path folder = Files.createDirectories(temporary.resolve("mine"));
        Files.writeString(folder.resolve("a.txt"), "x");
        StencilRun.inProcess("new-template", folder.toString()).failed(1, "is not empty");
        StencilRun.inProcess("new-template", "x", "--family=other")
                .failed(1, "'family': 'other' is not a family; expected one of value, image-kv, lora, text");
        assertThat(StencilRun.content(folder)).containsExactly("a.txt");
    }
}
