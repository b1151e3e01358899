package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImageReader;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A base model from nothing to a picture, by the commands that the documentation names.
class BaseModelIT {

    @TempDir
    private Path folder;

    private void run(String... words) {
        StencilRun.inProcess(words).succeeded();
    }

    private void train(String... more) {
        List<String> words = new ArrayList<>(List.of(
                "train",
                "--dtype=float32",
                "--model_paths=" + folder.resolve("model"),
                "--dataset_metadata_path=" + folder.resolve("data/metadata.jsonl"),
                "--height=64",
                "--width=64",
                "--batch_size=2",
                "--max_steps=2",
                "--lr_scheduler=cosine",
                "--warmup_steps=1",
                "--max_grad_norm=1",
                "--ema_decay=0.99",
                "--seed=1"));
        words.addAll(Arrays.asList(more));
        run(words.toArray(String[]::new));
    }

    @Test
    void fromNothingToAPicture() throws IOException {
        run("dataset", "--output_path=" + folder.resolve("data"), "--count=3");
        run(
                "init",
                "--config_path=" + TestFiles.root().resolve("models/tiny-klein"),
                "--output_path=" + folder.resolve("model"));
        train(
                "--task=vae",
                "--trainable_models=vae",
                "--remove_prefix_in_ckpt=pipe.vae.",
                "--output_path=" + folder.resolve("vae"));
        install("vae/checkpoints/step-2.safetensors", "model/vae/diffusion_pytorch_model.safetensors");
        train(
                "--trainable_models=dit",
                "--timestep_weighting=none",
                "--caption_dropout=0.1",
                "--cache_encodings",
                "--save_dtype=bfloat16",
                "--remove_prefix_in_ckpt=pipe.dit.",
                "--output_path=" + folder.resolve("dit"));
        install("dit/checkpoints/step-2.safetensors", "model/transformer/diffusion_pytorch_model.safetensors");
        run(
                "generate",
                "--model_paths=" + folder.resolve("model"),
                "--prompt=a large red circle on the left, teal background",
                "--height=64",
                "--width=64",
                "--num_inference_steps=2",
                "--seed=1",
                "--output=" + folder.resolve("picture.png"));
        assertThat(RgbImageReader.read(folder.resolve("picture.png")).size()).isEqualTo(new ImageSize(64, 64));
    }

    @Test
    void theTokenizerOfTheSmallWorldIsMade() throws IOException {
        Path klein = TestFiles.root().resolve("models/tiny-klein");
        Path config = Files.createDirectories(folder.resolve("config/vae")).resolve("config.json");
        Files.copy(klein.resolve("vae/config.json"), config);

        run(
                "init",
                "--small_world_tokenizer",
                "--config_path=" + folder.resolve("config"),
                "--output_path=" + folder.resolve("model"));

        assertThat(folder.resolve("model/tokenizer/tokenizer.json"))
                .hasSameTextualContentAs(klein.resolve("tokenizer/tokenizer.json"));
    }

    private void install(String from, String to) throws IOException {
        Files.copy(folder.resolve(from), folder.resolve(to), StandardCopyOption.REPLACE_EXISTING);
    }

    @Test
    void aFolderWithoutConfigurationsIsRefused() {
        StencilRun.inProcess("init", "--config_path=" + folder, "--output_path=" + folder.resolve("model"))
                .failed(1, "expected config.json in one of the folders transformer, vae, text_encoder, found none");
        assertThat(folder.resolve("model")).doesNotExist();
    }
}
