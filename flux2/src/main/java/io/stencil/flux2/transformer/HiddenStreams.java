package io.stencil.flux2.transformer;

import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.Scope;
import java.util.List;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;

/// The hidden states between blocks. Each is let go as soon as the next ones are there, so that a pass without
/// gradients holds one block's worth.
final class HiddenStreams implements AutoCloseable {

    private List<OwnedTensor> streams = List.of();

    /// Puts what `block` makes of the streams in their place, and frees all else that it made.
    void replace(UnaryOperator<List<Tensor>> block) {
        try (Scope _ = new Scope()) {
            List<OwnedTensor> next =
                    block.apply(get()).stream().map(OwnedTensor::new).toList();
            close();
            streams = next;
        }
    }

    List<Tensor> get() {
        return streams.stream().map(OwnedTensor::get).toList();
    }

    @Override
    public void close() {
        streams.forEach(OwnedTensor::close);
    }
}
