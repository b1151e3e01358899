package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.hub.testing.FakeHub;
import io.stencil.hub.testing.FakeRepository;
import io.stencil.image.RgbImageReader;
import io.stencil.testing.ShortPrompts;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The life of a Template outside its author's disk: the real command line, against a hub on this machine.
class PublishIT {

    private static final String TOKEN = "ms-verySecretToken123";

    @TempDir
    private Path temporary;

    private final FakeHub fake = new FakeHub();
    private final List<String> printed = new ArrayList<>();
    private Path elsewhere;

    @BeforeEach
    void makePlaces() throws IOException {
        fake.requireToken(TOKEN);
        elsewhere = Files.createDirectories(temporary.resolve("elsewhere"));
    }

    @AfterEach
    void close() {
        fake.close();
    }

    private StencilRun stencil(String... words) throws IOException, InterruptedException {
        Map<String, String> environment = Map.of(
                "MODELSCOPE_ENDPOINT", fake.site().toString(),
                "HF_ENDPOINT", fake.site().toString(),
                "MODELSCOPE_API_TOKEN", TOKEN,
                "HF_TOKEN", TOKEN,
                "HF_HOME", elsewhere.resolve("hf").toString(),
                "DIFFSYNTH_MODEL_BASE_PATH", elsewhere.resolve("models").toString(),
                "STENCIL_CONFIG_HOME", elsewhere.resolve("settings").toString());
        StencilRun run = StencilProcess.start(temporary, environment, words).await();
        printed.add(run.out() + run.err());
        return run;
    }

    private static String[] sample(String... more) {
        List<String> words = new ArrayList<>(List.of(
                "--model_paths=" + ShortPrompts.model(),
                "--dtype=float32",
                "--template_inputs={\"scale\": 0.9}",
                "--prompt=a circle",
                "--height=64",
                "--width=64",
                "--num_inference_steps=2"));
        words.addAll(0, Arrays.asList(more));
        return words.toArray(String[]::new);
    }

    /// It failed, and behind the line of the fetch stands one line that names all of `parts`.
    private static void refused(StencilRun run, String... parts) {
        assertThat(run.exitCode()).as(run.err()).isEqualTo(1);
        assertThat(run.err().lines().toList()).hasSize(2).first().asString().startsWith("fetching ");
        assertThat(run.err().lines().toList().getLast()).startsWith("stencil: ").contains(parts);
    }

    private void requireTokenNowhere() throws IOException {
        assertThat(printed).noneMatch(text -> text.contains(TOKEN));
        try (Stream<Path> files = Files.walk(temporary)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                assertThat(new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1))
                        .as(file.toString())
                        .doesNotContain(TOKEN);
            }
        }
        fake.repositories()
                .values()
                .forEach(repository -> repository
                        .files()
                        .forEach((name, content) -> assertThat(new String(content, StandardCharsets.ISO_8859_1))
                                .as(name)
                                .doesNotContain(TOKEN)));
        assertThat(fake.storageAuthorizations()).isEmpty();
    }

    @Test
    void aTemplateIsMadeTrainedPackagedPublishedFetchedAndRun() throws IOException, InterruptedException {
        TrainingFolder training = TrainingFolder.make(temporary);
        stencil("new-template", "brightness", "--family=value").succeeded();
        stencil(training.words("--template_model_id_or_path=brightness", "--dataset_base_path=data set"))
                .succeeded();
        stencil(sample(
                        "package",
                        "--template_model_id_or_path=brightness",
                        "--checkpoint=" + training.output().resolve("checkpoints/epoch-0.safetensors"),
                        "--output_path=package",
                        "--base_model_id=black-forest-labs/FLUX.2-klein-base-4B"))
                .succeeded();
        assertThat(StencilRun.content(temporary.resolve("package")))
                .containsExactly(
                        "Model.java",
                        "README.md",
                        "SHA256SUMS",
                        "model.safetensors",
                        "samples",
                        "samples/0.png",
                        "samples/without.png");
        assertThat(temporary.resolve("package/README.md"))
                .content()
                .contains(
                        "scale", "| learning_rate | 0.001 |", "base_model: \"black-forest-labs/FLUX.2-klein-base-4B\"")
                .doesNotContain(temporary.toString());

        StencilRun upload = stencil("upload", "me/brightness", "package").succeeded();
        assertThat(upload.out()).contains("make the repository", "private", "6 files", "0 as they were");
        assertThat(fake.repository("me/brightness").files().keySet())
                .containsExactly(
                        "Model.java",
                        "README.md",
                        "SHA256SUMS",
                        "model.safetensors",
                        "samples/0.png",
                        "samples/without.png");

        refused(
                stencil(sample("generate", "--template_model_id_or_path=me/brightness:", "--output=a.png")),
                "/me/brightness: 'Model.java': is code and is not run",
                "--trust_remote_code");
        refused(
                stencil(sample("verify", "me/brightness")),
                "/me/brightness: is code and is not run",
                "--trust_remote_code ('stencil fetch me/brightness:' brings it to where it can be read)");
        StencilRun verified = stencil(sample("verify", "me/brightness", "--trust_remote_code"))
                .succeeded();
        assertThat(verified.err())
                .contains("trusting code of " + fake.site() + "/me/brightness at master: ", "SHA-256");
        assertThat(verified.out()).contains("verified " + fake.site() + "/me/brightness", "6 files, 5 checksums");

        // What an older package left at the hub proves nothing, and is not added to.
        fake.repository("me/brightness").put("model.safetensors.index.json", "{}");
        refused(
                stencil(sample("verify", "me/brightness", "--trust_remote_code")),
                "/me/brightness: SHA256SUMS does not name model.safetensors.index.json",
                "delete it at the hub");
        stencil("upload", "me/brightness", "package")
                .failed(1, "/me/brightness: holds model.safetensors.index.json, which package has not");
        fake.repository("me/brightness").remove("model.safetensors.index.json");

        // Trusted once, it runs without being asked about; and it makes the picture that the package showed.
        stencil(sample("generate", "--template_model_id_or_path=me/brightness:", "--output=a.png"))
                .succeeded();
        assertThat(RgbImageReader.read(temporary.resolve("a.png")))
                .isEqualTo(RgbImageReader.read(temporary.resolve("package/samples/0.png")));
        assertThat(StencilRun.content(elsewhere.resolve("models/me/brightness")))
                .contains("model.safetensors");
        requireTokenNowhere();
    }

    @Test
    void weightsOfABuiltInFamilyNeedNoCodeAndOthersTellWhatIsMissing() throws IOException, InterruptedException {
        put("me/weights", "template_value_a");
        fake.repository("me/weights").put("model.py", "import torch");
        put("me/unknown", "template_lora");
        fake.repository("me/unknown").put("model.py", "import torch");

        stencil(sample("generate", "--hub=huggingface", "--template_model_id_or_path=me/weights:", "--output=a.png"))
                .succeeded();
        assertThat(temporary.resolve("a.png")).exists();
        refused(
                stencil(sample(
                        "generate", "--hub=huggingface", "--template_model_id_or_path=me/unknown:", "--output=b.png")),
                "has no Model.java",
                "found model.safetensors, at its hub model.py, model.safetensors; model.py is for Python",
                "do so in a folder of your own, beside a copy of the weights");
        requireTokenNowhere();
    }

    @Test
    void trainingGoesOnFromAFetchedTemplateAndUploadsNeedAToken() throws IOException, InterruptedException {
        put("me/weights", "template_value_a");
        TrainingFolder training = TrainingFolder.make(temporary);
        stencil(training.words("--hub=huggingface", "--template_model_id_or_path=me/weights:"))
                .succeeded();
        Path checkpoint = training.output().resolve("checkpoints/epoch-0.safetensors");
        assertThat(checkpoint).exists();
        fake.repository("me/weights").put("checkpoints/epoch-0.safetensors", Files.readAllBytes(checkpoint));
        stencil(training.words(
                        "--hub=huggingface",
                        "--template_model_id_or_path=me/weights:",
                        "--resume_from_checkpoint=me/weights:checkpoints/epoch-0.safetensors",
                        "--output_path=" + temporary.resolve("further")))
                .succeeded();
        StencilRun inspected = stencil("inspect", "--hub=huggingface", "me/weights:checkpoints/*.safetensors")
                .succeeded();
        assertThat(inspected.out()).contains("epoch-0.safetensors: ");
        requireTokenNowhere();

        Path none = Files.createFile(temporary.resolve("no-token"));
        stencil("upload", "me/x", "package", "--hub_token_file=" + none).failed(1, "no-token': holds no token");

        // The card names the base model that came from a hub.
        putFolder("org/klein", ShortPrompts.model(), "");
        stencil(
                        "package",
                        "--hub=huggingface",
                        "--template_model_id_or_path=me/weights:",
                        "--model_paths=org/klein:",
                        "--dtype=float32",
                        "--template_inputs={\"scale\": 0.9}",
                        "--height=64",
                        "--width=64",
                        "--num_inference_steps=1",
                        "--output_path=again")
                .succeeded();
        assertThat(temporary.resolve("again/README.md")).content().contains("base_model: \"org/klein\"");
    }

    /// What was fetched is others' code, also where it is named by its path; and nothing is fetched for a request that
    /// cannot be met.
    @Test
    void fetchedCodeNeedsTrustHoweverItIsNamed() throws IOException, InterruptedException {
        stencil("new-template", "brightness", "--family=value").succeeded();
        FakeRepository repository = fake.repository("me/brightness");
        byte[] code = Files.readAllBytes(temporary.resolve("brightness/Model.java"));
        repository.put("Model.java", code);
        stencil(sample("generate", "--template_model_id_or_path=me/brightness:", "--device=gpu", "--output=a.png"))
                .failed(1, "device");
        stencil(sample("generate", "--template_model_id_or_path=me/brightness:", "--lora=gone", "--output=a.png"))
                .failed(1, "gone: no such file");
        TrainingFolder training = TrainingFolder.make(temporary);
        stencil(training.words("--template_model_id_or_path=me/brightness:", "--dataset_metadata_path=gone.jsonl"))
                .failed(1, "gone.jsonl");
        assertThat(fake.requests()).isEmpty();

        stencil("fetch", "me/brightness:").succeeded();
        Path folder = elsewhere.resolve("models/me/brightness");
        String[] parts = {
            "/me/brightness: 'Model.java': is code and is not run",
            folder.resolve("Model.java").toString(),
            FakeRepository.sha256(code),
            "--trust_remote_code"
        };
        for (String[] words : List.of(
                sample("generate", "--template_model_id_or_path=" + folder, "--output=a.png"),
                training.words("--template_model_id_or_path=" + folder),
                new String[] {"inspect", folder.toString()})) {
            stencil(words).failed(1, parts);
        }
        refused(stencil("inspect", "me/brightness:"), parts);

        stencil("inspect", folder.toString(), "--trust_remote_code").succeeded();
        assertThat(stencil("inspect", "me/brightness:").succeeded().out()).contains("Template", "scale");
        repository.put(
                "Model.java", (new String(code, StandardCharsets.UTF_8) + "\n").getBytes(StandardCharsets.UTF_8));
        refused(
                stencil("inspect", "me/brightness:", "--trust_remote_code"),
                "is other code than was trusted",
                "--trusted_code_hash");
        requireTokenNowhere();
    }

    /// What is measured may come from a hub too.
    @Test
    void fetchedTemplatesAreMeasured() throws IOException, InterruptedException {
        putFolder("me/klein", TestFiles.root().resolve("models/tiny-klein"), "");
        putFolder("me/zoo", TestFiles.root().resolve("examples/brightness"), "brightness/");
        String[] words = {
            "evaluate",
            "brightness",
            "--share=0.01",
            "--num_inference_steps=1",
            "--model_path=me/klein:",
            "--templates=me/zoo:"
        };
        refused(stencil(words), "/me/zoo: 'brightness/Model.java': is code and is not run", "--trust_remote_code");
        String[] trusting = Arrays.copyOf(words, words.length + 1);
        trusting[words.length] = "--trust_remote_code";
        StencilRun run = stencil(trusting);
        // With so few pictures and steps it may miss its target.
        assertThat(run.exitCode()).as(run.err()).isBetween(0, 1);
        assertThat(run.out()).contains("brightness");
        assertThat(elsewhere.resolve("models/me/klein/transformer")).exists();
        requireTokenNowhere();
    }

    private void putFolder(String id, Path folder, String prefix) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                fake.repository(id).put(prefix + folder.relativize(file), Files.readAllBytes(file));
            }
        }
    }

    private void put(String id, String golden) throws IOException {
        FakeRepository repository = fake.repository(id);
        repository.put(
                "model.safetensors", Files.readAllBytes(TestFiles.golden(golden).resolve("model.safetensors")));
    }
}
