package io.stencil.template;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.InvalidStateException;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.template.load.TemplateFolder;
import io.stencil.template.pipeline.TemplatePipeline;
import io.stencil.template.pipeline.TemplatePipeline.Loading;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.testing.TestFiles;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CountDownLatch;

/// Calls of four threads on one pipeline, in random interleavings; a program of its own, since a fault ends the
/// process.
///
/// Prints how often each call returned and how often it was refused, and ends with 1 when one failed otherwise.
final class PipelineMisuseMain {

    private static final int THREADS = 4;
    private static final int CALLS = 2;

    private static final GenerationRequest REQUEST =
            GenerationRequest.of("a wall").size(16, 16).steps(2).seed(1).build();

    private final Map<String, Integer> outcomes = new ConcurrentSkipListMap<>();
    private final Path model;
    private final Path lora;
    private final LoadOptions options;

    private PipelineMisuseMain(Path model, Path lora, LoadOptions options) {
        this.model = model;
        this.lora = lora;
        this.options = options;
    }

    private interface Call {
        void on(TemplatePipeline pipeline);
    }

    /// @param args a base model's folder, a LoRA file, the number of interleavings, `offloaded` or `resident`, and the
    ///     seed of the first interleaving
    public static void main(String[] args) throws InterruptedException {
        LoadOptions options = args[3].equals("offloaded")
                ? new LoadOptions(DType.FLOAT32, Device.CPU).withOffload(Set.of(ModelRole.values()))
                : LoadOptions.DEFAULT;
        PipelineMisuseMain run = new PipelineMisuseMain(Path.of(args[0]), Path.of(args[1]), options);
        int rounds = Integer.parseInt(args[2]);
        long seed = Long.parseLong(args[4]);
        for (int round = 0; round < rounds; round++) {
            run.interleave(new Random(seed + round));
        }
        new TreeMap<>(run.outcomes).forEach((outcome, count) -> System.out.println(outcome + " " + count));
        System.out.println("interleavings " + rounds);
        System.exit(run.outcomes.keySet().stream().anyMatch(outcome -> outcome.startsWith("FAILED")) ? 1 : 0);
    }

    private void interleave(Random random) throws InterruptedException {
        Flux2Pipeline base = Flux2Pipeline.load(ModelFiles.in(model), options);
        TemplatePipeline pipeline = new TemplatePipeline(
                base,
                List.of(new TemplateFolder(TestFiles.golden("template_value_a"))),
                random.nextBoolean() ? Loading.EAGER : Loading.LAZY,
                _ -> {});
        CountDownLatch start = new CountDownLatch(1);
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            long seed = random.nextLong();
            threads.add(Thread.ofPlatform().start(() -> {
                await(start);
                Random own = new Random(seed);
                for (int call = 0; call < CALLS; call++) {
                    call(own.nextInt(24), pipeline);
                }
            }));
        }
        start.countDown();
        for (Thread thread : threads) {
            thread.join();
        }
        pipeline.close();
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private void call(int which, TemplatePipeline pipeline) {
        Flux2Pipeline base = pipeline.base();
        switch (which) {
            case 0 -> record("close", _ -> pipeline.close(), pipeline);
            case 1 -> record("close", _ -> base.close(), pipeline);
            case 2, 3, 4 -> record("clearLoras", _ -> base.clearLoras(), pipeline);
            case 5, 6, 7 -> record("loadLora", _ -> base.loadLora(lora, 0.5), pipeline);
            case 8, 9 -> record("fuseLora", _ -> base.fuseLora(lora, 0.1), pipeline);
            case 10, 11 -> record("encode", _ -> encode(base), pipeline);
            case 12, 13 -> record("cache", PipelineMisuseMain::useCache, pipeline);
            case 14, 15, 16 ->
                record("steered", one -> one.generate(REQUEST, TemplateInputs.parse("{\"scale\": 0.5}")), pipeline);
            default -> record("generate", _ -> base.generate(REQUEST), pipeline);
        }
    }

    private static void encode(Flux2Pipeline base) {
        try (Scope _ = new Scope()) {
            base.models().decode(base.models().encode(RgbImage.filled(new ImageSize(16, 16), 0x405060)));
            base.models().encodePrompt("a wall");
        }
    }

    private static void useCache(TemplatePipeline pipeline) {
        try (Scope _ = new Scope()) {
            pipeline.cache(TemplateInputs.parse("{\"scale\": 0.5}")).map(tensor -> {
                Tensors.toFloats(DType.FLOAT32.cast(tensor));
                return tensor;
            });
        }
    }

    private void record(String name, Call call, TemplatePipeline pipeline) {
        String outcome;
        try {
            call.on(pipeline);
            outcome = name + " returned";
        } catch (InvalidStateException e) {
            outcome = e.getMessage().contains("is closed") ? name + " refused" : "FAILED " + name + ": " + e;
        } catch (InvalidRequestException e) { // fusing on offloaded weights
            outcome = e.getMessage().contains("load the model without offload_models")
                    ? name + " refused"
                    : "FAILED " + name + ": " + e;
        } catch (InvalidFileException | Error e) {
            outcome = "FAILED " + name + ": " + e;
        } catch (RuntimeException e) {
            outcome = "FAILED " + name + ": " + e + " at " + e.getStackTrace()[0];
        }
        outcomes.merge(outcome, 1, Integer::sum);
    }
}
