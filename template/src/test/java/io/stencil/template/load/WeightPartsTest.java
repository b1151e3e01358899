package io.stencil.template.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.error.TemplateException;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.TinyPipeline;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/// A network of a pretrained part in one file and a head in another.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class WeightPartsTest {

    private static final String ENCODER_AND_HEAD =
            "Weights.parts(Weights.file(\"encoder.safetensors\"), Weights.fileOrRandom(\"head.safetensors\", 7))";
    private static final String IN_MODULES =
            "Weights.parts(Weights.file(\"encoder.safetensors\").inModule(\"encoder\"),"
                    + " Weights.fileOrRandom(\"head.safetensors\", 7).inModule(\"head\"))";

    private static final ModelSource NETWORK = ModelSource.GOOD.with("public Input processInputs", """
            final Linear encoder = module("encoder", new Linear(2, 3, true));
                    final Linear head = module("head", new Linear(3, 2, true));
                    public Input processInputs""");

    @TempDir
    Path folder;

    private Flux2Pipeline base;

    @BeforeAll
    void loadBase() {
        base = TinyPipeline.transformerOnly();
    }

    @AfterAll
    void closeBase() {
        base.close();
    }

    /// Writes weight and bias of a linear layer, all of one value.
    private void write(String file, double value, String prefix, long out, long in) throws IOException {
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            tensors.put(prefix + "weight", Tensors.full(value, DType.FLOAT32, Device.CPU, out, in));
            tensors.put(prefix + "bias", Tensors.full(value, DType.FLOAT32, Device.CPU, out));
            TensorFiles.write(folder.resolve(file), tensors, Map.of());
        }
    }

    private TemplateFolder template(String weights) throws IOException {
        return NETWORK.with("Weights.random(0)", weights).in(folder);
    }

    private float[] loaded(String weights, String parameter) throws IOException {
        TemplateFolder template = template(weights);
        template.check(base);
        try (LoadedTemplate<?, ?> loaded = template.load(base)) {
            return Tensors.toFloats(
                    Objects.requireNonNull(loaded.model().state().get(parameter))
                            .get());
        }
    }

    private void requireRefused(String weights, Class<? extends Exception> type, String message) throws IOException {
        TemplateFolder template = template(weights);
        assertThatThrownBy(() -> template.load(base)).isInstanceOf(type).hasMessage(message, folder);
        assertThatThrownBy(() -> template.check(base)).isInstanceOf(type).hasMessage(message, folder);
    }

    @Test
    void theHeadBeginsAtRandomAndTheEncoderIsThatOfTheFile() throws IOException {
        write("encoder.safetensors", 5, "encoder.", 3, 2);
        assertThat(loaded(ENCODER_AND_HEAD, "encoder.weight")).containsOnly(5);
        float[] head = loaded(ENCODER_AND_HEAD, "head.weight");
        assertThat(head).doesNotContain(0, 5);
        assertThat(loaded(ENCODER_AND_HEAD, "head.weight")).containsExactly(head);
        assertThat(loaded(ENCODER_AND_HEAD.replace("7", "8"), "head.weight")).isNotEqualTo(head);

        write("head.safetensors", 6, "head.", 2, 3);
        assertThat(loaded(ENCODER_AND_HEAD, "head.weight")).containsOnly(6);
        assertThat(loaded(ENCODER_AND_HEAD, "encoder.bias")).containsOnly(5);
    }

    @Test
    void namesOfAModulesFileAreRelativeToIt() throws IOException {
        write("encoder.safetensors", 5, "", 3, 2);
        assertThat(loaded(IN_MODULES, "encoder.weight")).containsOnly(5);
        write("head.safetensors", 6, "", 2, 3);
        assertThat(loaded(IN_MODULES, "head.bias")).containsOnly(6);
        assertThat(loaded(IN_MODULES, "encoder.bias")).containsOnly(5);
    }

    /// `initializeFrom` runs as soon as one part begins at random, after the others are loaded.
    @Test
    void theHeadMayBeginAsAnythingThatIsLoaded() throws IOException {
        write("encoder.safetensors", 5, "encoder.", 3, 2);
        TemplateFolder template = NETWORK.with("Weights.random(0)", ENCODER_AND_HEAD)
                .with(
                        "public Input processInputs",
                        "public void initializeFrom(io.stencil.pipeline.models.ModelSet base) { try (Scope s = new Scope()) {"
                                + " head.weight().set(encoder.weight().get().t().neg().contiguous()); } }"
                                + " public Input processInputs")
                .in(folder);
        try (LoadedTemplate<?, ?> loaded = template.load(base)) {
            assertThat(Tensors.toFloats(
                            Objects.requireNonNull(loaded.model().state().get("head.weight"))
                                    .get()))
                    .containsOnly(-5);
        }
    }

    @Test
    void aTensorInTwoFilesNamesBoth() throws IOException {
        write("encoder.safetensors", 5, "encoder.", 3, 2);
        write("head.safetensors", 6, "encoder.", 3, 2);
        requireRefused(
                ENCODER_AND_HEAD,
                InvalidFileException.class,
                "%1$s/head.safetensors: 'encoder.bias': this tensor is also in %1$s/encoder.safetensors; one name may be in"
                        + " one file only");
    }

    @Test
    void aTensorThatNoFileHoldsNamesTheFiles() throws IOException {
        write("encoder.safetensors", 5, "encoder.", 3, 2);
        requireRefused(
                "Weights.files(\"encoder.safetensors\")",
                InvalidFileException.class,
                "%s/encoder.safetensors: tensors do not fit the model: 2 missing (head.weight, head.bias)");
        write("other.safetensors", 5, "other.", 3, 2);
        requireRefused(
                "Weights.files(\"encoder.safetensors\", \"other.safetensors\")",
                InvalidFileException.class,
                "%s/other.safetensors: tensors do not fit the model: 2 missing (head.weight, head.bias); 2 unexpected"
                        + " (other.bias, other.weight)");
    }

    @Test
    void aFileThatLacksATensorOfItsModuleDoesNotBeginAtRandom() throws IOException {
        try (Scope _ = new Scope()) {
            TensorFiles.write(
                    folder.resolve("encoder.safetensors"),
                    Map.of("encoder.weight", Tensors.full(5, DType.FLOAT32, Device.CPU, 3, 2)),
                    Map.of());
        }
        requireRefused(
                ENCODER_AND_HEAD,
                InvalidFileException.class,
                "%s/encoder.safetensors: lacks tensor 'encoder.bias', but holds 'encoder.weight' of the same module; where it"
                        + " is to begin at random, name its module in weights():"
                        + " Weights.fileOrRandom(\"head.safetensors\", seed).inModule(\"...\")");
        try (Scope _ = new Scope()) {
            TensorFiles.write(
                    folder.resolve("encoder.safetensors"),
                    Map.of("weight", Tensors.full(5, DType.FLOAT32, Device.CPU, 3, 2)),
                    Map.of());
        }
        requireRefused(
                IN_MODULES,
                InvalidFileException.class,
                "%s/encoder.safetensors: tensors do not fit the model: 1 missing (encoder.bias)");
    }

    @Test
    void namesThatDifferByAPrefixNameIt() throws IOException {
        write("encoder.safetensors", 5, "pipe.template_model.encoder.", 3, 2);
        write("head.safetensors", 6, "head.", 2, 3);
        requireRefused(
                ENCODER_AND_HEAD,
                InvalidFileException.class,
                "%s/encoder.safetensors: tensors do not fit the model: 2 missing (encoder.weight, encoder.bias); 2 unexpected"
                        + " (pipe.template_model.encoder.bias, pipe.template_model.encoder.weight); names differ by a prefix"
                        + " only: remove 'pipe.template_model.' from those of the file");
        write("encoder.safetensors", 5, "", 3, 2);
        requireRefused(
                ENCODER_AND_HEAD,
                InvalidFileException.class,
                "%s/encoder.safetensors: tensors do not fit the model: 2 missing (encoder.weight, encoder.bias); 2 unexpected"
                        + " (bias, weight); names differ by a prefix only: add 'encoder.' to those of the file");
    }

    @Test
    void twoPartsThatBeginAtRandomNeedTheirModules() throws IOException {
        requireRefused(
                "Weights.parts(Weights.fileOrRandom(\"a.safetensors\", 1), Weights.fileOrRandom(\"b.safetensors\", 2))",
                TemplateException.class,
                "%s/Model.java: weights() names 'a.safetensors' and 'b.safetensors', and neither file exists, so that it is"
                        + " not known to which of them tensor 'encoder.weight' belongs; name the submodule of each:"
                        + " Weights.fileOrRandom(\"a.safetensors\", seed).inModule(\"...\")");
        String named = "Weights.parts(Weights.fileOrRandom(\"a.safetensors\", 1).inModule(\"encoder\"),"
                + " Weights.fileOrRandom(\"b.safetensors\", 2))";
        assertThat(loaded(named, "encoder.weight")).isNotEqualTo(loaded(named.replace("1)", "3)"), "encoder.weight"));
        assertThat(loaded(named, "head.weight")).containsExactly(loaded(named.replace("1)", "3)"), "head.weight"));
        requireRefused(
                named.replace("\"encoder\"", "\"enc\""),
                TemplateException.class,
                "%s/Model.java: weights() puts 'a.safetensors' into module 'enc', but the network has no such module with"
                        + " parameters; its modules are encoder, head");
    }
}
