package io.stencil.autograd;

import io.stencil.autograd.BackwardFunctions.HeldInput;
import io.stencil.autograd.Checkpointing.Segment;
import io.stencil.error.InvalidStateException;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.ProcessRandom;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorArrayRefOptional;
import org.jspecify.annotations.Nullable;

/// One backward pass over segments that recompute their activations (gradient checkpointing, Chen et al. 2016,
/// arXiv:1604.06174).
///
/// A segment's forward pass runs without recording, so that libtorch remembers none of its activations. When its
/// gradient arrives, the segment runs again, recording, and is differentiated on the spot; parameters used in it
/// accumulate their gradients there. Of what a segment needed the tape frees its inputs once it is differentiated and
/// each gradient once it is handed on. The rest, the callbacks among it, is freed when the tape is closed; open one a
/// step and close it after [#backward]:
/// ```java
/// try (GradientTape tape = new GradientTape()) {
///     Tensor loss = model.loss(batch, tape);
///     tape.backward(loss);
/// }
/// ```
/// libtorch may call back from a thread of its own on a GPU. There too a segment sees the values of [PassLocal] of its
/// forward pass.
public final class GradientTape implements Checkpointing, AutoCloseable {

    private final BackwardFunctions functions = new BackwardFunctions();
    private final List<Recomputation> recomputations = new ArrayList<>();
    private final List<ProcessRandom.State> states = new ArrayList<>();

    @Override
    public List<Tensor> run(Segment segment, List<Tensor> inputs) {
        return run(segment, inputs, false);
    }

    /// Runs segments as [#run] does; their inputs wait for the backward pass on the CPU, out of the device's memory.
    public Checkpointing offloading() {
        return (segment, inputs) -> run(segment, inputs, true);
    }

    private List<Tensor> run(Segment segment, List<Tensor> inputs, boolean offload) {
        if (inputs.stream().noneMatch(Tensor::requires_grad)) {
            return runOnPlainInputs(segment, inputs, offload);
        }
        List<Tensor> outputs;
        Draws draws = new Draws(inputs);
        try (GradMode _ = GradMode.disabled()) {
            outputs = segment.run(inputs);
        }
        return record(new Recomputation(draws.of(segment), inputs, offload), inputs, outputs);
    }

    /// A segment may hold trainable parameters although no input requires gradients, as the first block of a model
    /// does. Recording shows it; the recorded graph is dropped at once.
    private List<Tensor> runOnPlainInputs(Segment segment, List<Tensor> inputs, boolean offload) {
        List<Tensor> outputs;
        boolean trainable;
        Draws draws = new Draws(inputs);
        try (Scope recording = new Scope();
                GradMode _ = GradMode.enabled();
                BackwardFunctions _ = new BackwardFunctions()) { // what layers keep for a backward pass is dropped too
            List<Tensor> recorded = segment.run(inputs);
            trainable = recorded.stream().anyMatch(Tensor::requires_grad);
            outputs = recorded.stream().map(Tensor::detach).map(recording::keep).toList();
        }
        Segment again = draws.of(segment);
        if (!trainable) {
            return outputs;
        }
        // Parameters inside a segment need an input to hang on when nothing reaches back through its own.
        Tensor first = inputs.getFirst();
        Tensor anchor = Tensors.zeros(DType.of(first), Device.of(first), 1);
        anchor.requires_grad_(true);
        List<Tensor> anchored = new ArrayList<>(inputs);
        anchored.add(anchor);
        Segment ignoringAnchor = all -> again.run(all.subList(0, all.size() - 1));
        return record(new Recomputation(ignoringAnchor, anchored, offload), anchored, outputs);
    }

    /// Random numbers of a segment that draws from the generators of the process: it gets the same when it runs again.
    private final class Draws {
        private final ProcessRandom.State before;

        Draws(List<Tensor> inputs) {
            before = ProcessRandom.State.of(Device.of(inputs.getFirst()));
            states.add(before);
        }

        /// To be called when the segment has run.
        Segment of(Segment segment) {
            if (before.isPresent()) {
                states.remove(before);
                before.close();
                return segment;
            }
            return inputs -> ProcessRandom.restored(before, () -> segment.run(inputs));
        }
    }

    private List<Tensor> record(Recomputation recomputation, List<Tensor> inputs, List<Tensor> outputs) {
        recomputations.add(recomputation);
        // 0 * (one element of every input) ties the outputs to the inputs in libtorch's graph; each input's view then
        // answers with the gradient that the recomputation found.
        Tensor tie = null;
        for (int i = 0; i < inputs.size(); i++) {
            Tensor input = inputs.get(i);
            if (!input.requires_grad()) {
                continue;
            }
            Tensor view = input.view_as(input);
            int index = i;
            functions.hook(view, gradient -> recomputation.inputGradient(index, gradient));
            Tensor element = BackwardFunctions.tie(view, outputs.getFirst());
            tie = tie == null ? element : tie.add(element);
        }
        if (tie == null) {
            throw new IllegalStateException("no input of the segment requires gradients");
        }
        // All outputs as one vector, so that their gradients arrive together.
        Tensor flat = Ops.cat(0, outputs.stream().map(Tensor::flatten).toList()).add(tie);
        functions.hook(flat, recomputation::differentiate);
        List<Tensor> tied = new ArrayList<>();
        long offset = 0;
        for (Tensor output : outputs) {
            tied.add(flat.narrow(0, offset, output.numel()).view(Tensors.shape(output)));
            offset += output.numel();
        }
        return tied;
    }

    /// Computes the gradients of every leaf that requires them, adding to what the leaves hold.
    ///
    /// @param loss one element
    /// @throws RuntimeException what a segment threw while it was recomputed
    public void backward(Tensor loss) {
        try {
            loss.backward();
        } catch (RuntimeException e) {
            functions.rethrow(); // the cause, where the engine failed over what a segment threw
            throw e;
        }
        functions.rethrow();
    }

    /// How many tensors the tape holds: inputs of segments that await their gradients, and gradients on their way.
    int heldTensors() {
        return recomputations.stream().mapToInt(Recomputation::heldTensors).sum();
    }

    @Override
    public void close() {
        functions.close();
        recomputations.forEach(Recomputation::close);
        recomputations.clear();
        states.forEach(ProcessRandom.State::close);
        states.clear();
    }

    /// Runs a segment again when its gradient arrives and keeps the gradients of its inputs for their hooks.
    private static final class Recomputation implements AutoCloseable {
        private final Segment segment;
        private final PassLocal.Captured bound = PassLocal.capture();
        private final List<HeldInput> inputs = new ArrayList<>();
        private final List<@Nullable OwnedTensor> gradients = new ArrayList<>();

        Recomputation(Segment segment, List<Tensor> inputs, boolean offload) {
            this.segment = segment;
            for (Tensor input : inputs) {
                this.inputs.add(HeldInput.of(input, offload));
                gradients.add(null);
            }
        }

        /// @param gradient of the flat vector of all outputs
        Tensor differentiate(Tensor gradient) {
            if (inputs.isEmpty()) {
                throw new InvalidStateException("a tape serves one backward pass; open another one");
            }
            try (Scope _ = new Scope();
                    GradMode _ = GradMode.enabled();
                    PassLocal.Restored _ = bound.restore()) {
                List<Tensor> leaves = inputs.stream().map(HeldInput::leaf).toList();
                List<Tensor> outputs = segment.run(leaves);
                Tensor flat = Ops.cat(0, outputs.stream().map(Tensor::flatten).toList());
                if (flat.requires_grad()) {
                    flat.backward(gradient, new BoolOptional(false), false, new TensorArrayRefOptional());
                }
                for (int i = 0; i < leaves.size(); i++) {
                    Tensor found = leaves.get(i).grad();
                    gradients.set(i, found.defined() ? new OwnedTensor(found) : null);
                }
            } finally {
                freeInputs();
            }
            return gradient;
        }

        /// The gradient found for an input; zeros when the segment does not depend on it. It is handed on once.
        ///
        /// @return owned by the caller's scope
        Tensor inputGradient(int index, Tensor incoming) {
            OwnedTensor found = gradients.set(index, null);
            if (found == null) {
                return Ops.mul(incoming, 0.0);
            }
            Tensor handed = new Tensor(found.get());
            found.close();
            return handed;
        }

        int heldTensors() {
            return inputs.size()
                    + Math.toIntExact(
                            gradients.stream().filter(Objects::nonNull).count());
        }

        private void freeInputs() {
            inputs.forEach(HeldInput::close);
            inputs.clear();
        }

        @Override
        public void close() {
            freeInputs();
            for (OwnedTensor gradient : gradients) {
                if (gradient != null) {
                    gradient.close();
                }
            }
            gradients.clear();
        }
    }
}
