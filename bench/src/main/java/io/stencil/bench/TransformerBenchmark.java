package io.stencil.bench;

import io.stencil.autograd.Checkpointing;
import io.stencil.autograd.GradMode;
import io.stencil.autograd.GradientTape;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.util.concurrent.TimeUnit;
import org.bytedeco.pytorch.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/// One pass of the transformer at klein width: denoising with a cache, and the backward pass into that cache.
@State(org.openjdk.jmh.annotations.Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 1)
@Measurement(iterations = 5)
@Fork(1)
public class TransformerBenchmark {

    @Param
    public Precision precision = Precision.FLOAT32;

    private KleinPass pass = new KleinPass(Precision.FLOAT32);

    @Setup(Level.Trial)
    public void load() {
        pass.close();
        pass = new KleinPass(precision);
    }

    @TearDown(Level.Trial)
    public void free() {
        pass.close();
    }

    @Benchmark
    public void denoisingPass(Blackhole blackhole) {
        try (Scope _ = new Scope();
                GradMode _ = GradMode.disabled()) {
            blackhole.consume(Tensors.toFloats(pass.predict(pass.cache(false), Checkpointing.OFF)));
        }
    }

    @Benchmark
    public void gradientStep() {
        try (Scope _ = new Scope();
                GradientTape tape = new GradientTape()) {
            tape.backward(loss(pass.predict(pass.cache(true), Checkpointing.OFF)));
        }
    }

    @Benchmark
    public void gradientStepCheckpointed() {
        try (Scope _ = new Scope();
                GradientTape tape = new GradientTape()) {
            tape.backward(loss(pass.predict(pass.cache(true), tape)));
        }
    }

    private static Tensor loss(Tensor prediction) {
        return Ops.meanSquaredError(prediction, Ops.mul(prediction.detach(), 0));
    }
}
