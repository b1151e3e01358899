package io.stencil.train.options;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.error.InvalidRequestException;
import io.stencil.json.JsonFile;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.tensor.DType;
import io.stencil.train.optim.LearningRateSchedule;
import io.stencil.train.options.DataOptions.ExtraInput;
import io.stencil.train.options.DataOptions.FileKey;
import io.stencil.train.options.ObjectiveOptions.TimestepSampling;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class TrainOptionsTest {

    private static TrainOptions.Builder builder(Path output) {
        ModelFiles base = new ModelFiles(
                List.of(List.of(Path.of("a.safetensors")), List.of(Path.of("s1"), Path.of("s2"))), Path.of("tok"));
        return TrainOptions.builder(base, Path.of("data"), Path.of("data/m.jsonl"), output)
                .template(Path.of("template"))
                .trainable(List.of("template_model"))
                .extraInputs(Set.of(ExtraInput.TEMPLATE_INPUTS));
    }

    private static LoadOptions float8(ModelRole... roles) {
        return LoadOptions.DEFAULT.withFloat8(Set.of(roles));
    }

    private static Arguments refusal(UnaryOperator<TrainOptions.Builder> change, String message) {
        return Arguments.of(change, message);
    }

    @Test
    void whatHoldsByNatureIsAccepted() {
        TrainOptions.Builder options = builder(Path.of("out"))
                .initializeOnCpu(true)
                .loraHotLoading(true)
                .findUnusedParameters(true);
        assertThatCode(options::build).doesNotThrowAnyException();
    }

    static Stream<Arguments> invalid() {
        return Stream.of(
                refusal(b -> b.repeat(0), "'dataset_repeat': must be at least 1, found 0"),
                refusal(b -> b.workers(-1), "'dataset_num_workers': must be at least 0, found -1"),
                refusal(b -> b.size(512, null), "'width': is missing"),
                refusal(b -> b.size(null, 512), "'height': is missing"),
                refusal(b -> b.size(500, 512), "'height': must be a positive multiple of 16, found 500"),
                refusal(b -> b.maxPixels(100), "'max_pixels': must be at least 256"),
                refusal(b -> b.fileKeys(Set.of(FileKey.VIDEO)), "'data_file_keys': must name image"),
                refusal(
                        b -> b.fileKeys(Set.of(FileKey.IMAGE)).extraInputs(EnumSet.allOf(ExtraInput.class)),
                        "'data_file_keys': must name edit_image too, which --extra_inputs needs"),
                refusal(b -> b.trainable(List.of()), "'trainable_models': must name"),
                refusal(
                        b -> b.set("lora_base_model", "text_encoder"),
                        "'lora_base_model': must be dit, the transformer, found 'text_encoder'"),
                refusal(
                        b -> b.set("lora_base_model", "dit").trainable(List.of("template_model", "dit.proj_out")),
                        "'lora_base_model': names the transformer, which --trainable_models trains too"),
                refusal(
                        b -> b.set("lora_checkpoint", Path.of("lora.safetensors")),
                        "'lora_checkpoint': needs --lora_base_model dit"),
                refusal(
                        b -> b.set("lora_base_model", "dit").set("lora_target_modules", List.of("to_q", "")),
                        "'lora_target_modules': must name layers, such as to_q,to_k,to_v"),
                refusal(b -> b.set("lora_rank", 0), "'lora_rank': must be at least 1, found 0"),
                refusal(b -> b.set("lora_alpha", -1.0), "'lora_alpha': must be a number above 0, found -1.0"),
                refusal(
                        b -> b.task(Task.VAE)
                                .template(null)
                                .set("lora_base_model", "dit")
                                .trainable(List.of("vae")),
                        "'lora_base_model': has no part in --task vae"),
                refusal(b -> b.template(null), "'template_model_id_or_path': is missing"),
                refusal(b -> b.extraInputs(Set.of()), "'extra_inputs': must name template_inputs"),
                refusal(b -> b.learningRate(0), "'learning_rate': must be a number above 0, found 0.0"),
                refusal(b -> b.learningRate(Double.NaN), "'learning_rate': "),
                refusal(b -> b.weightDecay(-1), "'weight_decay': "),
                refusal(b -> b.epochs(0), "'num_epochs': "),
                refusal(b -> b.gradientAccumulationSteps(0), "'gradient_accumulation_steps': "),
                refusal(
                        b -> b.learningRate(1e39),
                        "'learning_rate': must be a number that float32 holds, 1.4e-45 to 3.4e38, found 1.0E39"),
                refusal(b -> b.learningRate(1e-50), "'learning_rate': must be a number that float32 holds, "),
                refusal(b -> b.learningRate(Double.POSITIVE_INFINITY), "'learning_rate': must be a number above 0"),
                refusal(b -> b.weightDecay(1e39), "'weight_decay': must be a number that float32 holds, "),
                refusal(b -> b.maxGradNorm(1e39), "'max_grad_norm': must be a number that float32 holds, "),
                refusal(b -> b.klWeight(1e39), "'kl_weight': must be a number that float32 holds, "),
                refusal(b -> b.saveSteps(0), "'save_steps': must be at least 1, found 0"),
                refusal(b -> b.keptCheckpoints(0), "'keep_checkpoints': must be at least 1, found 0"),
                refusal(b -> b.batchSize(0), "'batch_size': must be at least 1, found 0"),
                refusal(b -> b.maxSteps(0), "'max_steps': must be at least 1, found 0"),
                refusal(b -> b.maxSteps(9).epochs(2), "'max_steps': or num_epochs must give the length"),
                refusal(b -> b.warmupSteps(-1), "'warmup_steps': must be at least 0, found -1"),
                refusal(b -> b.maxGradNorm(0.0), "'max_grad_norm': must be a number above 0, found 0.0"),
                refusal(b -> b.emaDecay(1.0), "'ema_decay': must be at least 0 and below 1"),
                refusal(b -> b.captionDropout(1.5), "'caption_dropout': must be between 0 and 1, found 1.5"),
                refusal(b -> b.set("bucket_reso_steps", 32), "'bucket_reso_steps': needs --enable_bucket"),
                refusal(b -> b.size(64, 64).set("enable_bucket", true), "'enable_bucket': chooses a size for each"),
                refusal(b -> b.set("logit_mean", 1.0), "'logit_mean': needs --timestep_sampling logit_normal"),
                refusal(b -> b.set("timestep_shift", 3.0), "'timestep_shift': needs --timestep_sampling shifted"),
                refusal(
                        b -> b.set("timestep_sampling", TimestepSampling.LOGIT_NORMAL)
                                .set("logit_std", 0.0),
                        "'logit_std': must be a number above 0, found 0.0"),
                refusal(b -> b.latentNoise(-1), "'latent_noise': must be a number of at least 0"),
                refusal(b -> b.klWeight(Double.NaN), "'kl_weight': must be a number of at least 0"),
                refusal(
                        b -> b.trainable(List.of("template_model", "dit.proj_out"))
                                .load(float8(ModelRole.TRANSFORMER)),
                        "'fp8_models': names the model of 'dit.proj_out', which is trained"),
                refusal(
                        b -> b.trainable(List.of("dit"))
                                .load(LoadOptions.DEFAULT.withOffload(Set.of(ModelRole.TRANSFORMER))),
                        "'offload_models': names the model of 'dit', which is trained"),
                refusal(b -> b.set("sample_steps", 0), "'sample_steps': must be at least 1, found 0"),
                refusal(b -> b.set("sample_at_first", true), "'sample_at_first': needs --sample_steps or --samples"),
                refusal(
                        b -> b.task(Task.VAE)
                                .trainable(List.of("vae"))
                                .template(null)
                                .extraInputs(Set.of())
                                .set("sample_steps", 5),
                        "'sample_steps': has no part in --task vae"),
                refusal(b -> b.saveDtype(DType.FLOAT16), "'save_dtype': must be float32 or bfloat16"),
                refusal(b -> b.saveRawWeights(true), "'save_raw_weights': needs --ema_decay"),
                refusal(b -> b.trainable(List.of("vae")), "'trainable_models': names the VAE, which only --task vae"),
                refusal(
                        b -> b.task(Task.VAE),
                        "'trainable_models': must be vae or parts of it with --task vae, found template_model"),
                refusal(
                        b -> b.task(Task.VAE).trainable(List.of("vae.decoder")),
                        "'template_model_id_or_path': has no part in --task vae"));
    }

    @ParameterizedTest
    @MethodSource
    void invalid(UnaryOperator<TrainOptions.Builder> change, String message) {
        TrainOptions.Builder changed = change.apply(builder(Path.of("out")));
        assertThatThrownBy(changed::build)
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith(message);
    }

    @Test
    void defaultsAreThoseOfTheCommandLine() {
        TrainOptions options = builder(Path.of("out")).build();
        assertThat(options.task()).isEqualTo(Task.SFT);
        assertThat(options.data().repeat()).isEqualTo(1);
        assertThat(options.data().shuffle()).isTrue();
        assertThat(options.data().maxPixels()).isEqualTo(1048576);
        assertThat(options.optimisation().learningRate()).isEqualTo(1e-4);
        assertThat(options.optimisation().weightDecay()).isEqualTo(0.01);
        assertThat(options.optimisation().epochs()).isEqualTo(1);
        assertThat(options.optimisation().schedule()).isEqualTo(LearningRateSchedule.CONSTANT);
        assertThat(options.output().saveSteps()).isNull();
    }

    private static Object read(String option, String text) {
        return TrainOptions.SCHEMA.option(option).orElseThrow().read(List.of(text));
    }

    @Test
    void namesAreRead() {
        assertThat(ExtraInput.parse("edit_image, template_inputs"))
                .containsExactlyInAnyOrder(ExtraInput.EDIT_IMAGE, ExtraInput.TEMPLATE_INPUTS);
        assertThat(ExtraInput.parse("")).isEmpty();
        assertThatThrownBy(() -> ExtraInput.parse("template_inputs,depth"))
                .hasMessage("'extra_inputs': knows template_inputs and edit_image, found 'depth'");
        assertThat(FileKey.parse(List.of("image", " video"))).containsExactlyInAnyOrder(FileKey.IMAGE, FileKey.VIDEO);
        assertThatThrownBy(() -> FileKey.parse(List.of("image", "depth")))
                .hasMessage("'data_file_keys': knows image, edit_image, mask and video, found 'depth'");
        assertThatThrownBy(() -> FileKey.parse(List.of("template_inputs.image")))
                .hasMessageStartingWith("'data_file_keys': 'template_inputs.image' needs no mention");
        assertThat(read("task", "sft:train")).isEqualTo(Task.SFT_TRAIN);
        assertThatThrownBy(() -> read("task", "dpo"))
                .hasMessage("'task': expected one of sft, sft:data_process, sft:train, vae, found 'dpo'");
        assertThat(read("lr_scheduler", "none")).isEqualTo(LearningRateSchedule.NONE);
        assertThatThrownBy(() -> read("lr_scheduler", "linear"))
                .hasMessage("'lr_scheduler': expected one of constant, cosine, none, found 'linear'");
    }

    @Test
    void theArgumentsOfARunAreWritten(@TempDir Path folder) {
        TrainingArguments.write(
                builder(folder)
                        .removedPrefix("pipe.template_model.")
                        .size(64, 96)
                        .load(float8(ModelRole.TRANSFORMER, ModelRole.TEXT_ENCODER)
                                .withOffload(Set.of(ModelRole.VAE)))
                        .build(),
                77);
        JsonNode json = JsonFile.read(folder.resolve("training_args.json"));
        assertThat(json.path("stencil_version").asText()).matches("\\d+\\.\\d+.*");
        JsonNode options = json.path("options");
        assertThat(options.path("seed").asLong()).isEqualTo(77);
        assertThat(options.path("height").asInt()).isEqualTo(64);
        assertThat(options.path("width").asInt()).isEqualTo(96);
        assertThat(options.path("learning_rate").asDouble()).isEqualTo(1e-4);
        assertThat(options.path("remove_prefix_in_ckpt").asText()).isEqualTo("pipe.template_model.");
        String here = Path.of("").toAbsolutePath().toString();
        assertThat(options.path("model_paths"))
                .hasToString("[\"%1$s/a.safetensors\",[\"%1$s/s1\",\"%1$s/s2\"]]".formatted(here));
        assertThat(options.path("fp8_models").asText()).isEqualTo("text_encoder,transformer");
        assertThat(options.path("offload_models").asText()).isEqualTo("vae");
        assertThat(options.path("dtype").asText()).isEqualTo("bfloat16");
        assertThat(options.path("trainable_models").asText()).isEqualTo("template_model");
        assertThat(options.path("data_file_keys").asText()).isEqualTo("image");
        assertThat(options.has("save_steps")).isFalse();
    }
}
