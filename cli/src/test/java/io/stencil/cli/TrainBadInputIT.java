package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Wrong input to `stencil train`: one line that names file, row and field, the exit code, and nothing written.
class TrainBadInputIT {

    @TempDir
    private Path temporary;

    private TrainingFolder training;

    @BeforeEach
    void makeDataset() throws IOException {
        training = TrainingFolder.make(temporary);
    }

    @AfterEach
    void nothingWasWritten() throws IOException {
        assertThat(StencilRun.content(training.output())).isEmpty();
    }

    @ParameterizedTest
    @MethodSource
    void usageFaultsEndWith2(String word, String message) {
        StencilRun.inProcess(training.words(word)).failed(2, message);
    }

    static Stream<Arguments> usageFaultsEndWith2() {
        return Stream.of(
                Arguments.of("--batch_count=2", "'--batch_count=2'"),
                Arguments.of("--output_path=", "'--output_path=DIR'"),
                Arguments.of("--dataset_metadata_path=", "'--dataset_metadata_path=FILE'"),
                Arguments.of("--learning_rate=fast", "'--learning_rate'"),
                Arguments.of("--dataset_shuffle=maybe", "'--dataset_shuffle'"));
    }

    @ParameterizedTest
    @MethodSource
    void wrongValuesEndWith1(String word, String message) {
        StencilRun.inProcess(training.words(word)).failed(1, message);
    }

    static Stream<Arguments> wrongValuesEndWith1() {
        return Stream.of(
                Arguments.of("--task=sft:train", "'dataset_metadata_path': has no part in --task sft:train"),
                Arguments.of("--trainable_models=", "'trainable_models': must name what is trained"),
                Arguments.of("--lora_base_model=vae", "'lora_base_model': must be dit, the transformer, found 'vae'"),
                Arguments.of("--lora_format=a1111", "'lora_format': expected one of diffusers, comfyui, kohya"),
                Arguments.of("--task=dpo", "'task': expected one of sft"),
                Arguments.of("--fp8_models=clip", "'fp8_models': 'clip' is not a model; expected one of"),
                Arguments.of("--fp8_models=template_model", "'fp8_models': 'template_model' is not a model"),
                Arguments.of("--offload_models=mlp", "'offload_models': 'mlp' is not a model; expected one of"),
                Arguments.of("--activation_memory=0", "'activation_memory': must be above 0, found 0"),
                Arguments.of("--dataset_num_workers=-1", "'dataset_num_workers': must be at least 0, found -1"),
                Arguments.of("--height=65", "'height': must be a positive multiple of 16, found 65"),
                Arguments.of("--height=", "'height': is missing"),
                Arguments.of("--learning_rate=0", "'learning_rate': must be a number above 0"),
                Arguments.of("--num_epochs=0", "'num_epochs': must be at least 1"),
                Arguments.of("--batch_size=0", "'batch_size': must be at least 1, found 0"),
                Arguments.of("--max_grad_norm=-1", "'max_grad_norm': must be a number above 0, found -1.0"),
                Arguments.of("--ema_decay=1", "'ema_decay': must be at least 0 and below 1"),
                Arguments.of("--caption_dropout=2", "'caption_dropout': must be between 0 and 1"),
                Arguments.of("--max_timestep_boundary=1.5", "'max_timestep_boundary': must be between 0 and 1"),
                Arguments.of(
                        "--timestep_weighting=flat", "'timestep_weighting': expected one of bell, none, found 'flat'"),
                Arguments.of("--lr_scheduler=linear", "'lr_scheduler': expected one of constant, cosine, none"),
                Arguments.of("--save_raw_weights", "'save_raw_weights': needs --ema_decay"),
                Arguments.of("--task=vae", "'trainable_models': must be vae or parts of it with --task vae"),
                Arguments.of("--trainable_models=vae", "names the VAE, which only --task vae trains"),
                Arguments.of("--save_steps=0", "'save_steps': must be at least 1"),
                Arguments.of("--extra_inputs=controls", "'extra_inputs'"),
                Arguments.of("--extra_inputs=", "'extra_inputs': must name template_inputs"),
                Arguments.of("--trainable_models=template_model.absent", "absent"),
                Arguments.of("--template_model_id_or_path=", "'template_model_id_or_path': is missing"),
                Arguments.of("--template_model_id_or_path=org/name", "to have it from a hub, write 'org/name:'"),
                Arguments.of("--dataset_base_path=absent", "'absent' is not a directory"),
                Arguments.of("--dataset_metadata_path=absent.jsonl", "absent.jsonl: does not exist"),
                Arguments.of("--dataset_metadata_path=rows.parquet", "expected a .json, .jsonl or .csv file"),
                Arguments.of("--resume_from_checkpoint=absent.safetensors", "absent.safetensors"),
                Arguments.of("--output_path=" + TestFiles.root().resolve("pom.xml"), "is not a directory"));
    }

    @ParameterizedTest
    @MethodSource
    void wrongRowsNameFileLineAndField(String row, String message) throws IOException {
        training.write(TrainingFolder.row("\"0.png\"", "{\"scale\": 0.5}") + row);

        StencilRun.inProcess(training.words()).failed(1, training.metadata() + ":2", message);
    }

    static Stream<Arguments> wrongRowsNameFileLineAndField() {
        return Stream.of(
                Arguments.of("{\"prompt\": \"x\", \"template_inputs\": {\"scale\": 1}}", "'image': is missing"),
                Arguments.of("{\"image\": \"0.png\", \"template_inputs\": {\"scale\": 1}}", "'prompt': is missing"),
                Arguments.of("{\"image\": \"0.png\", \"prompt\": \"x\"}", "'template_inputs': is missing"),
                Arguments.of("{\"image\": \"0.png\", ", "is not JSON"),
                Arguments.of("[1]", "a row must be a JSON object"),
                Arguments.of(TrainingFolder.row("\"absent.png\"", "{\"scale\": 1}"), "absent.png"),
                Arguments.of(TrainingFolder.row("7", "{\"scale\": 1}"), "'image': must be a string, found 7"),
                Arguments.of(TrainingFolder.row("\"1.png\"", "{\"scale\": \"bright\"}"), "template_inputs.scale"),
                Arguments.of(TrainingFolder.row("\"1.png\"", "{\"hue\": 1}"), "'template_inputs"),
                Arguments.of(TrainingFolder.row("\"1.png\"", "[]"), "'template_inputs': must be a JSON object"));
    }

    @Test
    void aMissingFieldEndsTheProcessWith1() throws IOException, InterruptedException {
        training.write(TrainingFolder.row("\"0.png\"", "{\"scale\": 0.5}") + "{\"image\": \"1.png\"}\n");

        StencilProcess.run(temporary, training.words()).failed(1, "metadata.jsonl:2: 'prompt': is missing");
    }

    @Test
    void anUnreadablePictureIsNamedWithItsRow() throws IOException, InterruptedException {
        Files.writeString(training.dataset().resolve("1.png"), "not a picture");

        StencilProcess.run(temporary, training.words()).failed(1, "metadata.jsonl:2: 'image'", "1.png");
    }

    @Test
    void aRefusedOptionEndsTheProcessWith1() throws IOException, InterruptedException {
        StencilProcess.run(temporary, training.words("--task=sft:train"))
                .failed(1, "'dataset_metadata_path': has no part in --task sft:train");
    }

    @ParameterizedTest
    @ValueSource(strings = {"dit", "transformer"})
    void aTrainedModelIsNotKeptInFloat8(String name) {
        StencilRun.inProcess(training.words("--trainable_models=template_model,dit.proj_out", "--fp8_models=" + name))
                .failed(1, "'fp8_models': names the model of 'dit.proj_out', which is trained");
    }

    @Test
    void aTrainedModelIsNotOffloaded() {
        StencilRun.inProcess(training.words("--trainable_models=template_model,dit.proj_out", "--offload_models=dit"))
                .failed(1, "'offload_models': names the model of 'dit.proj_out', which is trained");
    }

    @Test
    void aModelRestsInOneWay() {
        StencilRun.inProcess(training.words("--offload_models=vae,text_encoder", "--fp8_models=vae"))
                .failed(1, "'offload_models': names vae, which fp8_models keeps in memory");
    }

    @Test
    void aModelThatIsNotThereIsNotKeptInFloat8() {
        StencilRun.inProcess(training.words(
                        "--model_paths=" + TestFiles.tinyModel("transformer"),
                        "--tokenizer_path=" + TestFiles.tinyModel("tokenizer"),
                        "--fp8_models=vae"))
                .failed(1, "'fp8_models': 'vae' is none of the models that --model_paths names");
    }
}
