package io.stencil.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidStateException;
import io.stencil.flux2.transformer.KvCache;
import io.stencil.nn.Lora;
import io.stencil.nn.LoraPair;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.pipeline.ProgressListener;
import io.stencil.pipeline.SideConditions;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.TemplateSource;
import io.stencil.template.pipeline.TemplatePipeline;
import io.stencil.template.pipeline.TemplatePipeline.Loading;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.ShortPrompts;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// One Template pipeline in several threads.
class SharedTemplatePipelineTest {

    private static final int CALLS = 50;
    private static final int THREADS = 10;
    private static final String LORA_LAYER = "transformer_blocks.0.attn.to_q";

    @TempDir
    private Path folder;

    private List<TemplateSource> sources;
    private Path model;

    @BeforeEach
    void makeTemplates() throws IOException {
        sources = TinyPipeline.goldenTemplates(folder);
        model = ShortPrompts.model();
    }

    private TemplatePipeline over(Flux2Pipeline base, Loading loading) {
        return new TemplatePipeline(base, sources, loading, warning -> {
            throw new AssertionError(warning);
        });
    }

    private Flux2Pipeline base(Set<ModelRole> offloaded) {
        return Flux2Pipeline.load(
                ModelFiles.in(model), new LoadOptions(DType.FLOAT32, Device.CPU).withOffload(offloaded));
    }

    /// A request, with what its image depends on beside the prompt.
    ///
    /// @param lora strength of a LoRA that the request brings; 0 for none
    private record Job(String templates, double lora, long seed, double cfgScale) {

        List<Float> run(TemplatePipeline pipeline) {
            try (Scope _ = new Scope()) {
                GenerationRequest request = GenerationRequest.of("a cat")
                        .positive(new SideConditions("a cat", KvCache.empty(), ownLora(), null))
                        .size(32, 32)
                        .steps(2)
                        .seed(seed)
                        .cfgScale(cfgScale)
                        .build();
                Tensor latents = pipeline.generate(request, TemplateInputs.parse(templates))
                        .latents()
                        .toTensor();
                List<Float> values = new ArrayList<>();
                for (float value : Tensors.toFloats(latents)) {
                    values.add(value);
                }
                return values;
            }
        }

        private Lora ownLora() {
            if (lora == 0) {
                return Lora.empty();
            }
            try (TorchGenerator generator = new TorchGenerator(8)) {
                Tensor a = generator.randn(DType.FLOAT32, 2, 128);
                return new Lora(Map.of(
                        LORA_LAYER, new LoraPair(a, Ops.mul(generator.randn(DType.FLOAT32, 128, 2), lora))));
            }
        }
    }

    private static final List<Job> JOBS = List.of(
            new Job("[]", 0, 1, 1),
            new Job("[]", 0, 2, 2),
            new Job("[]", 0.1, 1, 1),
            new Job("[]", 0.3, 1, 2),
            new Job("{\"scale\": 0.8}", 0, 1, 1),
            new Job("{\"scale\": 0.2, \"model_id\": 1}", 0, 1, 2),
            new Job("{\"scale\": 0.9, \"model_id\": 2}", 0, 1, 1),
            new Job("{\"scale\": 0.4, \"model_id\": 2}", 0.2, 1, 2),
            new Job("[{\"scale\": 0.4, \"model_id\": 2}, {\"scale\": 0.6}]", 0, 3, 1),
            new Job("[{\"scale\": 0.9, \"model_id\": 2}, {\"scale\": 0.9, \"model_id\": 2}]", 0.1, 3, 1));

    @ParameterizedTest
    @CsvSource({"EAGER, false", "LAZY, true"})
    void fiftyConcurrentGenerationsGiveWhatEachGivesByItself(Loading loading, boolean offloaded) throws Exception {
        try (TemplatePipeline pipeline = over(base(offloaded ? Set.of(ModelRole.values()) : Set.of()), loading);
                ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
            List<List<Float>> expected =
                    JOBS.stream().map(job -> job.run(pipeline)).toList();
            assertThat(expected).doesNotHaveDuplicates();
            List<Future<List<Float>>> found = new ArrayList<>();
            for (int i = 0; i < CALLS; i++) {
                Job job = JOBS.get(i % JOBS.size());
                found.add(threads.submit(() -> job.run(pipeline)));
            }
            for (int i = 0; i < CALLS; i++) {
                assertThat(found.get(i).get()).as("call %s", i).isEqualTo(expected.get(i % JOBS.size()));
            }
        }
    }

    @Test
    void aClosedPipelineIsNamedAndNotTheTemplate() {
        TemplatePipeline pipeline = over(base(Set.of()), Loading.EAGER);
        pipeline.close();
        pipeline.close();
        assertThatThrownBy(() -> JOBS.get(4).run(pipeline))
                .isInstanceOf(InvalidStateException.class)
                .hasMessage("the pipeline is closed; generate() needs an open one");
        try (Scope _ = new Scope()) {
            assertThatThrownBy(() -> pipeline.cache(TemplateInputs.parse("{\"scale\": 0.8}")))
                    .isInstanceOf(InvalidStateException.class)
                    .hasMessage("the pipeline is closed; cache() needs an open one");
        }
        assertThatThrownBy(() -> over(pipeline.base(), Loading.LAZY))
                .isInstanceOf(InvalidStateException.class)
                .hasMessage("the pipeline is closed; a Template pipeline needs an open one");
        assertThatThrownBy(() -> sources.getFirst().load(pipeline.base()))
                .isInstanceOf(InvalidStateException.class)
                .hasMessageStartingWith("the pipeline is closed");
    }

    @Test
    void aClosedTemplateSaysSo() {
        try (Scope _ = new Scope();
                Flux2Pipeline base = base(Set.of())) {
            LoadedTemplate<?, ?> template = sources.getFirst().load(base);
            template.close();
            ForwardContext context = new ForwardContext(base, (segment, inputs) -> segment.run(inputs));
            TemplateInput input = TemplateInputs.parse("{\"scale\": 0.8}").getFirst();
            assertThatThrownBy(() -> template.run(input, context))
                    .isInstanceOf(InvalidStateException.class)
                    .hasMessage("the model is closed; load it again");
        }
    }

    @Test
    void twoPipelinesOverOneBaseCloseTogether() {
        Flux2Pipeline base = base(Set.of());
        TemplatePipeline first = over(base, Loading.EAGER);
        TemplatePipeline second = over(base, Loading.EAGER);
        assertThat(JOBS.get(6).run(first)).isEqualTo(JOBS.get(6).run(second));
        first.close();
        assertThatThrownBy(() -> JOBS.get(6).run(second))
                .isInstanceOf(InvalidStateException.class)
                .hasMessageStartingWith("the pipeline is closed");
        second.close();
    }

    @Test
    void aListenerCannotCallItsPipeline() {
        try (TemplatePipeline pipeline = over(base(Set.of()), Loading.EAGER)) {
            GenerationRequest request =
                    GenerationRequest.of("a cat").size(32, 32).steps(1).build();
            String refusal = "() was called within generate(), by a progress listener or a Template; call it when"
                    + " generate() has returned";
            ProgressListener listener = (_, _) -> {
                assertThatThrownBy(() -> pipeline.generate(request, List.of()))
                        .isInstanceOf(InvalidStateException.class)
                        .hasMessage("generate" + refusal);
                assertThatThrownBy(pipeline::close)
                        .isInstanceOf(InvalidStateException.class)
                        .hasMessage("close" + refusal);
                assertThatThrownBy(() -> pipeline.cache(List.of()))
                        .isInstanceOf(InvalidStateException.class)
                        .hasMessage("cache" + refusal);
            };
            pipeline.generate(request, TemplateInputs.parse("{\"scale\": 0.8}"), List.of(), listener);
            assertThat(pipeline.generate(request, List.of()).image().width()).isEqualTo(32);
        }
    }

    /// Template 2 hands out parameters, which lie in its mapped file.
    @ParameterizedTest
    @CsvSource({"EAGER", "LAZY"})
    void aCacheOutlivesThePipelineThatMadeIt(Loading loading) {
        try (Scope _ = new Scope()) {
            TemplatePipeline pipeline = over(base(Set.of()), loading);
            TemplateCache cache = pipeline.cache(TemplateInputs.parse("{\"scale\": 0.5, \"model_id\": 2}"));
            LoraPair pair = Objects.requireNonNull(cache.lora().pairs().get("transformer_blocks.1.attn.to_q"));
            float[] expected = Tensors.toFloats(pair.b());
            pipeline.close();
            assertThat(Tensors.toFloats(pair.b())).isEqualTo(expected);
        }
    }

    @Test
    void aCacheNeedsAScope() {
        try (TemplatePipeline pipeline = over(base(Set.of()), Loading.EAGER)) {
            assertThatThrownBy(() -> pipeline.cache(TemplateInputs.parse("{\"scale\": 0.8}")))
                    .isInstanceOf(InvalidStateException.class)
                    .hasMessageEndingWith("open a Scope and keep it open while the cache is used");
        }
    }
}
