package io.stencil.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.InvalidStateException;
import io.stencil.flux2.text.TextEncoder;
import io.stencil.flux2.transformer.KvCache;
import io.stencil.flux2.vae.AutoencoderKlFlux2;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.nn.Lora;
import io.stencil.nn.LoraPair;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.ProcessRandom;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.testing.ShortPrompts;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// One pipeline in several threads: calls wait for each other, and what would break a running one is refused.
class SharedPipelineTest {

    private static final GenerationRequest REQUEST =
            GenerationRequest.of("a wall").size(32, 32).steps(2).seed(1).build();
    private static final String CLOSED = "the pipeline is closed";

    private final Flux2Pipeline pipeline =
            Flux2Pipeline.load(ModelFiles.in(ShortPrompts.model()), new LoadOptions(DType.FLOAT32, Device.CPU));

    @AfterEach
    void free() {
        pipeline.close();
    }

    /// A call on a thread of its own.
    private static final class Call<T> {
        private final FutureTask<T> task;
        private final Thread thread;

        Call(Callable<T> work) {
            task = new FutureTask<>(work);
            thread = new Thread(task);
            thread.start();
        }

        void awaitWaiting() {
            while (thread.getState() != Thread.State.WAITING && thread.isAlive()) {
                Thread.onSpinWait();
            }
        }

        T get() throws InterruptedException, ExecutionException {
            return task.get();
        }
    }

    private Call<byte[]> generating() {
        return new Call<>(() -> pipeline.generate(REQUEST).image().rgb());
    }

    /// A generation that stands still after its first step until it is let on.
    private Call<byte[]> standing(CountDownLatch on) throws InterruptedException {
        CountDownLatch stands = new CountDownLatch(1);
        Call<byte[]> call = new Call<>(() -> pipeline.generate(REQUEST, (_, _) -> {
                    stands.countDown();
                    await(on);
                })
                .image()
                .rgb());
        stands.await();
        return call;
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void callsThatComeMeanwhileRunInTheirOrder() throws Exception {
        CountDownLatch on = new CountDownLatch(1);
        List<Integer> order = new ArrayList<>();
        Call<byte[]> first = standing(on);
        List<Call<Boolean>> others = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            int number = i;
            Call<Boolean> other = new Call<>(() -> {
                pipeline.generate(REQUEST, (done, _) -> {
                    if (done == 1) {
                        order.add(number);
                    }
                });
                return true;
            });
            other.awaitWaiting();
            others.add(other);
        }
        assertThat(order).isEmpty();
        on.countDown();
        byte[] expected = first.get();
        for (Call<Boolean> other : others) {
            other.get();
        }
        assertThat(order).containsExactly(0, 1, 2, 3);
        assertThat(pipeline.generate(REQUEST).image().rgb()).isEqualTo(expected);
    }

    @Test
    void closingLetsTheCallThatRunsFinishAndRefusesThoseThatWait() throws Exception {
        byte[] expected = pipeline.generate(REQUEST).image().rgb();
        CountDownLatch on = new CountDownLatch(1);
        Call<byte[]> running = standing(on);
        Call<byte[]> waiting = generating();
        waiting.awaitWaiting();
        Call<Boolean> closing = new Call<>(() -> {
            pipeline.close();
            return true;
        });
        closing.awaitWaiting();
        assertThatThrownBy(() -> pipeline.generate(REQUEST)) // at once, although a call runs
                .isInstanceOf(InvalidStateException.class)
                .hasMessage("the pipeline is closed; generate() needs an open one");
        on.countDown();
        assertThat(running.get()).isEqualTo(expected);
        closing.get();
        assertThatThrownBy(waiting::get)
                .hasCauseInstanceOf(InvalidStateException.class)
                .hasMessageContaining(CLOSED);
    }

    @Test
    void aClosedPipelineRefusesEverything() {
        ModelSet models = pipeline.models();
        AutoencoderKlFlux2 vae = models.requireVae();
        pipeline.close();
        pipeline.close();
        Path file = Path.of("lora.safetensors");
        RgbImage image = RgbImage.filled(new ImageSize(32, 32), 0);
        for (ThrowingCallable call : List.<ThrowingCallable>of(
                () -> pipeline.generate(REQUEST),
                () -> pipeline.loadLora(file, 1),
                () -> pipeline.fuseLora(file, 1),
                pipeline::clearLoras,
                () -> models.encode(image),
                () -> models.encodePrompt("a wall"),
                models::requireTransformer,
                models::requireVae)) {
            assertThatThrownBy(call).isInstanceOf(InvalidStateException.class).hasMessageStartingWith(CLOSED);
        }
        assertThatThrownBy(() -> vae.encode(Tensors.zeros(DType.FLOAT32, Device.CPU, 1, 3, 32, 32)))
                .isInstanceOf(InvalidStateException.class)
                .hasMessage("the model is closed; load it again");
    }

    @Test
    void pipelinesOverTheSameModelsCloseTogether() {
        Flux2Pipeline other = new Flux2Pipeline(pipeline.models());
        byte[] expected = pipeline.generate(REQUEST).image().rgb();
        assertThat(other.generate(REQUEST).image().rgb()).isEqualTo(expected);
        pipeline.close();
        assertThatThrownBy(() -> other.generate(REQUEST))
                .isInstanceOf(InvalidStateException.class)
                .hasMessageStartingWith(CLOSED);
        other.close();
    }

    @Test
    void aListenerCannotCallItsPipelineAndTheGenerationGoesOn() {
        byte[] expected = pipeline.generate(REQUEST).image().rgb();
        Path file = Path.of("lora.safetensors");
        List<ThrowingCallable> calls = List.of(
                () -> pipeline.generate(REQUEST),
                () -> pipeline.loadLora(file, 1),
                () -> pipeline.fuseLora(file, 1),
                pipeline::clearLoras,
                pipeline::close,
                pipeline.models()::close);
        List<String> names = List.of("generate", "loadLora", "fuseLora", "clearLoras", "close", "close");
        byte[] made = pipeline.generate(REQUEST, (_, _) -> {
                    for (int i = 0; i < calls.size(); i++) {
                        assertThatThrownBy(calls.get(i))
                                .isInstanceOf(InvalidStateException.class)
                                .hasMessage(names.get(i) + "() was called within generate(), by a progress listener or"
                                        + " a Template; call it when generate() has returned");
                    }
                })
                .image()
                .rgb();
        assertThat(made).isEqualTo(expected);
        assertThat(pipeline.generate(REQUEST).image().rgb()).isEqualTo(expected);
    }

    @Test
    void whatAListenerThrowsGoesThroughAndThePipelineGoesOn() {
        byte[] expected = pipeline.generate(REQUEST).image().rgb();
        assertThatThrownBy(() -> pipeline.generate(REQUEST, (_, _) -> {
                    throw new UnsupportedOperationException("enough");
                }))
                .isInstanceOf(UnsupportedOperationException.class);
        assertThat(pipeline.generate(REQUEST).image().rgb()).isEqualTo(expected);
    }

    @Test
    void anInterruptedThreadWaitsNoLonger() throws Exception {
        CountDownLatch on = new CountDownLatch(1);
        Call<byte[]> running = standing(on);
        Call<byte[]> waiting = generating();
        waiting.awaitWaiting();
        waiting.thread.interrupt();
        assertThatThrownBy(waiting::get)
                .hasCauseInstanceOf(InvalidStateException.class)
                .hasMessageContaining(
                        "generate() was interrupted while it waited for a call of another thread on the same pipeline");
        on.countDown();
        assertThat(running.get()).isNotEmpty();
    }

    @Test
    void aTensorOfTheRequestThatWasFreedIsNamed() {
        Tensor noise;
        Tensor text;
        try (Scope _ = new Scope()) {
            noise = Tensors.zeros(DType.FLOAT32, Device.CPU, 1, 128, 2, 2);
            text = Tensors.zeros(DType.FLOAT32, Device.CPU, 1, 1, 192);
        }
        String remedy =
                "is a tensor that was freed with the scope it was made in; keep that scope open until generate()"
                        + " returns";
        assertThatThrownBy(
                        () -> pipeline.generate(REQUEST.toBuilder().noise(noise).build()))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'noise': " + remedy);
        SideConditions side = new SideConditions("", KvCache.empty(), new Lora(Map.of()), text);
        assertThatThrownBy(() ->
                        pipeline.generate(REQUEST.toBuilder().positive(side).build()))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'positive.text_embedding': " + remedy);
    }

    /// The scope of the thread that made the noise is closed while another generates with it.
    @Test
    void aTensorOfTheRequestLivesUntilTheGenerationIsOver() throws Exception {
        CountDownLatch on = new CountDownLatch(1);
        Call<byte[]> running;
        byte[] expected;
        try (Scope _ = new Scope()) {
            Tensor noise = Tensors.zeros(DType.FLOAT32, Device.CPU, 1, 128, 2, 2);
            GenerationRequest request = REQUEST.toBuilder().noise(noise).build();
            expected = pipeline.generate(request).image().rgb();
            CountDownLatch stands = new CountDownLatch(1);
            running = new Call<>(() -> pipeline.generate(request, (_, _) -> {
                        stands.countDown();
                        await(on);
                        assertThat(noise.isNull()).isFalse();
                    })
                    .image()
                    .rgb());
            stands.await();
        }
        on.countDown();
        assertThat(running.get()).isEqualTo(expected);
    }

    @Test
    void whatLibtorchThrowsIsAStencilExceptionAndThePipelineGoesOn() {
        ProgressListener full = (_, _) -> Tensors.zeros(DType.FLOAT32, Device.CPU, 1L << 45);

        assertThatThrownBy(() -> pipeline.generate(REQUEST, full))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("out of memory for an image of 32 x 32 pixels");
        assertThat(pipeline.generate(REQUEST).image().width()).isEqualTo(32);
    }

    /// The call that runs may be waiting for the generators that the Template's code has.
    @Test
    void codeOfATemplateDoesNotWaitForAnotherThread() throws Exception {
        CountDownLatch on = new CountDownLatch(1);
        Call<byte[]> standing = standing(on);
        Call<GeneratedImage> inTemplate = new Call<>(() -> ProcessRandom.seeded(1, () -> pipeline.generate(REQUEST)));
        inTemplate.awaitWaiting();
        on.countDown();

        assertThatThrownBy(inTemplate::get)
                .hasCauseInstanceOf(InvalidStateException.class)
                .hasMessageContaining("called by a Template's code while another thread uses the pipeline");
        assertThat(standing.get()).isNotEmpty();
        assertThat(ProcessRandom.seeded(1, () -> pipeline.generate(REQUEST))
                        .image()
                        .width())
                .isEqualTo(32);
    }

    @Test
    void conditionsThatAModelCannotUseAreNamed() {
        ModelSet models = pipeline.models();
        Tensor freed;
        try (Scope _ = new Scope()) {
            freed = Tensors.zeros(DType.FLOAT32, Device.CPU, 1, 128, 2, 2);
        }
        try (Scope _ = new Scope()) {
            assertThatThrownBy(() -> models.decode(freed))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessageStartingWith("'latents': was freed when its Scope was closed");
            assertThatThrownBy(() -> models.decode(Tensors.zeros(DType.FLOAT32, Device.CPU, 3)))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessage("'latents': expected [1, 128, H/16, W/16], found [3]");
            Lora lora = new Lora(Map.of(
                    "transformer_blocks.0.attn.to_q",
                    new LoraPair(
                            Tensors.zeros(DType.FLOAT32, Device.CPU, 3, 4, 128),
                            Tensors.zeros(DType.FLOAT32, Device.CPU, 3, 128, 4))));
            SideConditions side = new SideConditions("", KvCache.empty(), lora, null);
            assertThatThrownBy(() ->
                            pipeline.generate(REQUEST.toBuilder().positive(side).build()))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessage(
                            "'positive.lora.transformer_blocks.0.attn.to_q': has updates of 3 samples; a generation has"
                                    + " one");
        }
    }

    @Test
    void aClosedTokenizerSaysSo() {
        TextEncoder encoder = Objects.requireNonNull(pipeline.models().textEncoder());
        pipeline.close();
        assertThatThrownBy(() -> encoder.length("a wall"))
                .isInstanceOf(InvalidStateException.class)
                .hasMessage("the tokenizer is closed; load the text encoder again");
    }

    @Test
    @SuppressWarnings("NullAway") // null is the misuse
    void nullConditionsAreNamed() {
        assertThatThrownBy(() -> GenerationRequest.of(null))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'prompt': is null; an empty one is allowed");
        assertThatThrownBy(() -> new SideConditions("", null, Lora.empty(), null))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'kv_cache': is null; KvCache.empty() steers no block");
    }
}
