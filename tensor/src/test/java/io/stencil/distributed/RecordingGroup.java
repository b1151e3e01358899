package io.stencil.distributed;

import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/// A group of two whose other member always has what this one has, but for what a test makes it say. A sum that was
/// begun is made when it is awaited, from what the tensor held at its beginning.
final class RecordingGroup implements ProcessGroup {

    /// What was begun, in order: the number of elements of tensors, and "numbers".
    final List<String> calls = new ArrayList<>();
    /// What the other one says at a place of [#sum(double...)], where it differs.
    Map<Integer, Double> others = Map.of();

    @Override
    public int rank() {
        return 0;
    }

    @Override
    public int size() {
        return 2;
    }

    @Override
    public Pending sumLater(Tensor tensor) {
        calls.add(Long.toString(tensor.numel()));
        OwnedTensor begun = new OwnedTensor(tensor.clone());
        OwnedTensor held = new OwnedTensor(tensor);
        return () -> {
            held.get().copy_(begun.get().mul(new Scalar(2.0)));
            begun.close();
            held.close();
        };
    }

    @Override
    public double[] sum(double... values) {
        calls.add("numbers");
        double[] sums = values.clone();
        for (int i = 0; i < sums.length; i++) {
            sums[i] += others.getOrDefault(i, values[i]);
        }
        return sums;
    }

    @Override
    public void broadcast(Tensor tensor) {
        calls.add("broadcast " + Tensors.shape(tensor).length);
    }

    @Override
    public long agree(long own) {
        return own;
    }

    @Override
    public void fail(Throwable fault) {}

    @Override
    public void close() {}
}
