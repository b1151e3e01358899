package io.stencil.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.InvalidStateException;
import io.stencil.error.TemplateException;
import io.stencil.flux2.transformer.KvCache;
import io.stencil.nn.Lora;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.pipeline.ProgressListener;
import io.stencil.pipeline.SideConditions;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.TemplateFolder;
import io.stencil.template.load.TemplateSource;
import io.stencil.template.pipeline.TemplatePipeline;
import io.stencil.template.pipeline.TemplatePipeline.Loading;
import io.stencil.template.value.ValueTemplate;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.testing.TensorAssert;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TemplatePipelineTest {

    private static final GenerationRequest.Builder REQUEST =
            GenerationRequest.of("a cat").size(32, 48).steps(2).seed(1);

    @TempDir
    Path folder;

    private final List<String> warnings = new ArrayList<>();

    /// The Template of the folder, whose text embedding and settings follow from its inputs.
    private TemplatePipeline words(Loading loading) throws IOException {
        Path source = Path.of(Objects.requireNonNull(getClass().getResource("/templates/words/Model.java"))
                .getPath());
        Files.copy(source, folder.resolve("Model.java"));
        return new TemplatePipeline(TinyPipeline.base(), List.of(new TemplateFolder(folder)), loading, warnings::add);
    }

    private Tensor latents(TemplatePipeline pipeline, GenerationRequest request, String positive, String negative) {
        return pipeline.generate(
                        request, TemplateInputs.parse(positive), TemplateInputs.parse(negative), ProgressListener.NONE)
                .latents()
                .toTensor();
    }

    @ParameterizedTest
    @EnumSource
    void aTextEmbeddingIsAppendedToThePromptOfItsSide(Loading loading) throws IOException {
        String word = "{\"word\": 0.5, \"length\": 3}";
        try (Scope _ = new Scope();
                TemplatePipeline pipeline = words(loading)) {
            GenerationRequest guided = REQUEST.cfgScale(2).build();
            Tensor text = Objects.requireNonNull(pipeline.cache(TemplateInputs.parse("[" + word + "," + word + "]"))
                    .textEmbedding());
            assertThat(Tensors.shape(text)).containsExactly(1, 6, 192);
            SideConditions steered = new SideConditions("", KvCache.empty(), Lora.empty(), text);
            Tensor given = pipeline.base()
                    .generate(guided.toBuilder().negative(steered).build())
                    .latents()
                    .toTensor();
            TensorAssert.assertSame("negative", latents(pipeline, guided, "[]", "[" + word + "," + word + "]"), given);
            Tensor plain = pipeline.base().generate(guided).latents().toTensor();
            assertThat(plain.equal(given)).isFalse();
            assertThat(latents(pipeline, guided, word, "[]").equal(plain)).isFalse();
        }
    }

    @Test
    void aSettingReplacesTheRequestsAndThatOfTheNegativeSideIsIgnoredWithAWarning() throws IOException {
        String strong = "{\"word\": 0, \"length\": 0, \"guidance\": 7}";
        try (Scope _ = new Scope();
                TemplatePipeline pipeline = words(Loading.EAGER)) {
            TemplateCache cache = pipeline.cache(TemplateInputs.parse(strong));
            assertThat(cache.settings()).containsExactly(new PipelineSetting.EmbeddedGuidance(7));
            latents(pipeline, REQUEST.cfgScale(2).build(), strong, strong);
            assertThat(warnings).isEmpty(); // nothing is lost
            latents(pipeline, REQUEST.cfgScale(2).build(), strong, strong.replace("7", "5"));
            assertThat(warnings)
                    .containsExactly("a Template of the negative side sets embedded_guidance, which concerns both sides"
                            + " and is ignored");
        }
    }

    @Test
    void anInputForNoTemplateIsRefused() throws IOException {
        try (Scope _ = new Scope();
                TemplatePipeline pipeline = words(Loading.EAGER)) {
            assertThatThrownBy(() -> pipeline.cache(TemplateInputs.parse("{\"model_id\": 1}")))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessage("'model_id': is 1, but there are 1 Templates, counted from 0");
            assertThatThrownBy(() -> pipeline.cache(TemplateInputs.parse("{\"word\": \"x\", \"length\": 1}")))
                    .hasMessage("'word': must be a number, found \"x\"");
        }
    }

    @Test
    void aValueBeyondFloat32IsRefused() {
        for (double scale : new double[] {Double.NaN, Double.NEGATIVE_INFINITY, 1e300}) {
            assertThatThrownBy(() -> new ValueTemplate.Input(scale))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessage("'scale': must be a number from -1000000 to 1000000, found " + scale);
        }
    }

    @Test
    void negativeInputsWithoutGuidanceAreReported() throws IOException {
        List<String> told = new ArrayList<>();
        ProgressListener listener = new ProgressListener() {
            @Override
            public void onStep(int done, int total) {
                told.add("step " + done);
            }

            @Override
            public void onWarning(String message) {
                told.add(message);
            }
        };
        List<TemplateInput> word = TemplateInputs.parse("{\"word\": 0.5, \"length\": 3}");
        try (TemplatePipeline pipeline = words(Loading.EAGER)) {
            pipeline.generate(REQUEST.build().toBuilder().cfgScale(1).steps(1).build(), word, word, listener);
        }
        assertThat(told)
                .containsExactly(
                        "negative_template_inputs have no effect: there is no guidance at cfg_scale 1", "step 1");
    }

    /// Remembers what it loaded, and that no earlier Template was in memory then.
    private record Watched(TemplateSource source, List<LoadedTemplate<?, ?>> loaded, List<Long> alive)
            implements TemplateSource {
        @Override
        public void check(Flux2Pipeline base) {
            source.check(base);
        }

        @Override
        public LoadedTemplate<?, ?> load(Flux2Pipeline base) {
            alive.add(loaded.stream().filter(Watched::isOpen).count());
            LoadedTemplate<?, ?> template = source.load(base);
            loaded.add(template);
            return template;
        }

        private static boolean isOpen(LoadedTemplate<?, ?> template) {
            try {
                template.model().parameterCount();
                return true;
            } catch (InvalidStateException e) {
                return false;
            }
        }
    }

    @Test
    void lazyTemplatesAreInMemoryOneAtATimeAndGiveTheSame() throws IOException {
        List<LoadedTemplate<?, ?>> loaded = new ArrayList<>();
        List<Long> alive = new ArrayList<>();
        List<TemplateSource> sources = TinyPipeline.goldenTemplates(folder);
        List<TemplateSource> watched = sources.stream()
                .<TemplateSource>map(source -> new Watched(source, loaded, alive))
                .toList();
        List<TemplateInput> inputs =
                TemplateInputs.parse("[{\"scale\":0.8},{\"model_id\":1,\"scale\":0.3},{\"model_id\":2,\"scale\":0.5}]");
        try (Scope _ = new Scope();
                TemplatePipeline lazy =
                        new TemplatePipeline(TinyPipeline.base(), watched, Loading.LAZY, warnings::add);
                TemplatePipeline eager =
                        new TemplatePipeline(TinyPipeline.base(), sources, Loading.EAGER, warnings::add)) {
            assertThat(loaded).isEmpty();
            TemplateCache found = lazy.cache(inputs);
            assertThat(alive).containsExactly(0L, 0L, 0L);
            assertThat(loaded).noneMatch(Watched::isOpen);
            TemplateCache expected = eager.cache(inputs);
            assertThat(found.kvCache().blocks().keySet())
                    .isEqualTo(expected.kvCache().blocks().keySet());
            expected.kvCache().blocks().forEach((block, cached) -> {
                TensorAssert.assertSame(
                        block.key(),
                        Objects.requireNonNull(found.kvCache().get(block)).k(),
                        cached.k());
                TensorAssert.assertSame(
                        block.key(),
                        Objects.requireNonNull(found.kvCache().get(block)).v(),
                        cached.v());
            });
            expected.lora().pairs().forEach((layer, pair) -> {
                TensorAssert.assertSame(
                        layer,
                        Objects.requireNonNull(found.lora().pairs().get(layer)).a(),
                        pair.a());
                TensorAssert.assertSame(
                        layer,
                        Objects.requireNonNull(found.lora().pairs().get(layer)).b(),
                        pair.b());
            });
        }
    }

    /// Weights of Templates are freed with their pipeline, however long the caller's scope is open.
    @ParameterizedTest
    @EnumSource
    void theScopeOfACacheHoldsNothingElse(Loading loading) throws IOException {
        List<LoadedTemplate<?, ?>> loaded = new ArrayList<>();
        List<TemplateSource> sources = TinyPipeline.goldenTemplates(folder).stream()
                .<TemplateSource>map(source -> new Watched(source, loaded, new ArrayList<>()))
                .toList();
        try (Scope _ = new Scope()) {
            TemplateCache cache;
            List<Tensor> weights = new ArrayList<>();
            try (TemplatePipeline pipeline =
                    new TemplatePipeline(TinyPipeline.base(), sources, loading, warnings::add)) {
                cache = pipeline.cache(TemplateInputs.parse("[{\"scale\":0.8},{\"model_id\":1,\"scale\":0.3}]"));
                if (loading == Loading.EAGER) {
                    try (Scope _ = new Scope()) {
                        loaded.forEach(template ->
                                template.model().state().values().forEach(parameter -> weights.add(parameter.get())));
                    }
                    assertThat(weights).isNotEmpty().noneMatch(weight -> weight.isNull());
                }
            }
            assertThat(weights).allMatch(weight -> weight.isNull());
            assertThat(cache.kvCache().blocks().values())
                    .isNotEmpty()
                    .allSatisfy(kept -> assertThat(Tensors.toFloats(kept.k())).isNotEmpty());
        }
    }

    @Test
    void aLazyTemplateThatBreaksTheContractIsToldAtOnce() throws IOException {
        Files.writeString(folder.resolve("Model.java"), "public class Model {}");
        try (Flux2Pipeline base = TinyPipeline.transformerOnly()) {
            List<TemplateSource> broken = List.of(new TemplateFolder(folder));
            assertThatThrownBy(() -> new TemplatePipeline(base, broken, Loading.LAZY, warnings::add).close())
                    .isInstanceOf(TemplateException.class)
                    .hasMessageContaining("class Model must implement");
        }
    }
}
