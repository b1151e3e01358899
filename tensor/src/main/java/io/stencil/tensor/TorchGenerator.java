package io.stencil.tensor;

import org.bytedeco.pytorch.Generator;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/// A source of random numbers on the CPU that gives, for a seed, the numbers of PyTorch's CPU generator.
///
/// Noise is always drawn here and then moved to its device, so that a seed means the same image everywhere.
public final class TorchGenerator implements AutoCloseable {

    private final Generator generator;

    public TorchGenerator(long seed) {
        this(made(seed));
    }

    private TorchGenerator(Generator generator) {
        this.generator = generator;
        generator.retainReference();
    }

    private static Generator made(long seed) {
        Libtorch.load();
        return torch.make_generator_cpu(seed);
    }

    /// The generator of the whole process, which libtorch's operations draw from where they are given none.
    public static TorchGenerator ofProcess() {
        Libtorch.load();
        return new TorchGenerator(torch.getDefaultCPUGenerator());
    }

    /// Standard normal numbers, as `torch.randn(shape, generator=..., dtype=...)` gives them.
    ///
    /// Half-precision numbers are float32 ones, rounded, as newer versions of PyTorch give them; the libtorch
    /// in use would draw others.
    public Tensor randn(DType dtype, long... shape) {
        DType drawn = dtype == DType.FLOAT64 ? DType.FLOAT64 : DType.FLOAT32;
        return dtype.cast(torch.randn(shape, new GeneratorOptional(generator), Tensors.options(drawn, Device.CPU)));
    }

    /// Uniform integers in `0 .. high - 1` as int64, as `torch.randint(0, high, shape, generator=...)` gives them.
    public Tensor randint(long high, long... shape) {
        return torch.randint(
                0, high, shape, new GeneratorOptional(generator), Tensors.options(DType.INT64, Device.CPU));
    }

    /// Fills a tensor in place with normal numbers.
    public void fillNormal(Tensor tensor, double mean, double standardDeviation) {
        tensor.normal_(mean, standardDeviation, new GeneratorOptional(generator));
    }

    /// Fills a tensor in place with uniform numbers from `low` to `high`.
    public void fillUniform(Tensor tensor, double low, double high) {
        tensor.uniform_(low, high, new GeneratorOptional(generator));
    }

    /// State as a uint8 tensor, to go on from later with [#restore].
    public Tensor state() {
        return generator.get_state();
    }

    public void restore(Tensor state) {
        generator.set_state(state);
    }

    @Override
    public void close() {
        generator.releaseReference();
    }
}
