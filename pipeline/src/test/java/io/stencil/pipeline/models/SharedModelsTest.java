package io.stencil.pipeline.models;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.autograd.GradMode;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.testing.ShortPrompts;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Threads that use models for the first time together read each weight once, and get what one thread gets.
class SharedModelsTest {

    private static final int ROUNDS = 30;
    private static final int THREADS = 3;
    private static final RgbImage PICTURE = RgbImage.filled(new ImageSize(32, 32), 0x4080C0);

    private record Encoded(List<Float> latents, List<Float> prompt) {
        static Encoded by(ModelSet models) {
            try (Scope _ = new Scope();
                    GradMode _ = GradMode.disabled()) {
                return new Encoded(
                        numbers(Tensors.toFloats(DType.FLOAT32.cast(models.encode(PICTURE)))),
                        numbers(Tensors.toFloats(DType.FLOAT32.cast(models.encodePrompt("a wall")))));
            }
        }
    }

    private static List<Float> numbers(float[] values) {
        List<Float> numbers = new ArrayList<>();
        for (float value : values) {
            numbers.add(value);
        }
        return numbers;
    }

    @ParameterizedTest
    @EnumSource(names = {"BFLOAT16", "FLOAT32"})
    void theyMayBeReadByAllAtOnce(DType dtype) throws Exception {
        LoadOptions options = new LoadOptions(dtype, Device.CPU);
        Encoded expected;
        try (ModelSet models = ModelSet.load(ModelFiles.in(ShortPrompts.model()), options)) {
            expected = Encoded.by(models);
        }
        try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
            for (int round = 0; round < ROUNDS; round++) {
                try (ModelSet models = ModelSet.load(ModelFiles.in(ShortPrompts.model()), options)) {
                    CyclicBarrier start = new CyclicBarrier(THREADS);
                    Callable<Encoded> work = () -> {
                        start.await();
                        return Encoded.by(models);
                    };
                    List<Future<Encoded>> found = new ArrayList<>();
                    for (int i = 0; i < THREADS; i++) {
                        found.add(threads.submit(work));
                    }
                    for (Future<Encoded> one : found) {
                        assertThat(one.get()).isEqualTo(expected);
                    }
                }
            }
        }
    }
}
