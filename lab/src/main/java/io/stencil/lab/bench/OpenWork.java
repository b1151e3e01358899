package io.stencil.lab.bench;

/// A work with its models in memory.
interface OpenWork extends AutoCloseable {

    /// Does it once; what it computes is there when this returns.
    ///
    /// @return multiplications, each with its addition, of the layers in its forward pass
    long run();

    /// How many forward passes it is worth: a backward pass through frozen weights is one more, and so is recomputing.
    int passes();

    /// Frees the models.
    @Override
    void close();
}
