package io.stencil.cli;

import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// An empty name, as of an unset variable in a script, is not the working directory, whose code would be run.
class EmptyNameTest {

    @TempDir
    private Path temporary;

    private List<String> words(String command) throws IOException {
        String model = "--model_paths=" + TestFiles.tinyModel("");
        return switch (command) {
            case "generate" ->
                List.of(
                        command,
                        model,
                        "--prompt=a cat",
                        "--template_inputs={}",
                        "--output=" + temporary.resolve("a.png"));
            case "train" ->
                List.of(TrainingFolder.make(Files.createTempDirectory(temporary, "train"))
                        .words());
            case "package" ->
                List.of(command, model, "--template_inputs={}", "--output_path=" + temporary.resolve("package"));
            case "verify" -> List.of(command, model, "--template_inputs={}");
            default -> List.of(command.split(" "));
        };
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            generate         | --template_model_id_or_path= | template_model_id_or_path
            generate         | --lora=                      | lora
            train            | --template_model_id_or_path= | template_model_id_or_path
            train            | --resume_from_checkpoint=    | resume_from_checkpoint
            package          | --template_model_id_or_path= | template_model_id_or_path
            evaluate base    | --model_path=                | model_path
            evaluate base    | --templates=                 | templates
            evaluate frame   | --template=frame=            | template
            verify           |                              | ID
            inspect          |                              | FILE_OR_DIR
            """)
    void isRefused(String command, @Nullable String option, String name) throws IOException {
        for (String blank : List.of("", " ")) {
            List<String> words = new ArrayList<>(words(command));
            words.removeIf(word -> option != null && word.startsWith(option));
            words.add((option == null ? "" : option) + blank);
            String message = name.equals("template") && blank.isEmpty() ? "expected NAME=DIR" : "is empty; expected";
            StencilRun.inProcess(words.toArray(String[]::new)).failed(1, "'%s': %s".formatted(name, message));
        }
    }
}
