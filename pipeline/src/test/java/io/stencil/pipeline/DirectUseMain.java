package io.stencil.pipeline;

import io.stencil.error.InvalidStateException;
import io.stencil.nn.Linear;
import io.stencil.nn.Parameter;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.testing.TestFiles;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.bytedeco.pytorch.Tensor;

/// Layers, weights and the tokenizer of a pipeline in use on other threads, outside of any pass, while the pipeline
/// is closed; a program of its own, since a fault ends the process.
///
/// Prints what the last call of each thread threw.
final class DirectUseMain {

    private static final String LAYER = "transformer_blocks.0.attn.to_q";

    private DirectUseMain() {}

    /// @param args number of pipelines that are closed
    public static void main(String[] args) throws InterruptedException {
        for (int round = Integer.parseInt(args[0]); round > 0; round--) {
            DType dtype = round % 2 == 0 ? DType.FLOAT32 : DType.BFLOAT16; // copies, and views of the files
            Flux2Pipeline pipeline =
                    Flux2Pipeline.load(ModelFiles.in(TestFiles.tinyModel("")), new LoadOptions(dtype, Device.CPU));
            ModelSet models = pipeline.models();
            Linear layer = (Linear)
                    Objects.requireNonNull(models.requireTransformer().modules().get(LAYER));
            Parameter weight = layer.weight();
            CountDownLatch running = new CountDownLatch(5);
            List<Use> uses = List.of(
                    new Use(running, layer::forward),
                    new Use(running, layer::forward),
                    new Use(running, _ -> Tensors.toFloats(weight.get())),
                    new Use(running, _ -> Tensors.toFloats(weight.in(DType.FLOAT32))),
                    new Use(
                            running,
                            _ -> Objects.requireNonNull(models.textEncoder()).length("a wall")));
            List<Thread> threads = new ArrayList<>();
            for (Use use : uses) {
                threads.add(Thread.ofPlatform().start(use));
            }
            running.await();
            pipeline.close();
            for (Thread thread : threads) {
                thread.join();
            }
            uses.forEach(use -> System.out.println(use.end.get()));
        }
    }

    private interface Step {
        Object on(Tensor x);
    }

    /// Calls until a call throws.
    private record Use(CountDownLatch running, Step step, AtomicReference<Throwable> end) implements Runnable {

        Use(CountDownLatch running, Step step) {
            this(running, step, new AtomicReference<>());
        }

        @Override
        public void run() {
            try (Scope _ = new Scope()) {
                Tensor x = Tensors.zeros(DType.FLOAT32, Device.CPU, 512, 128);
                while (true) {
                    try (Scope _ = new Scope()) {
                        step.on(x);
                    }
                    running.countDown();
                }
            } catch (InvalidStateException e) {
                end.set(e);
            }
        }
    }
}
