package io.stencil.lab.bench;

import io.stencil.autograd.Checkpointing;
import io.stencil.autograd.GradMode;
import io.stencil.autograd.GradientTape;
import io.stencil.nn.MultiplyAdds;
import io.stencil.nn.Parameter;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.train.optim.AdamW;
import java.util.Collection;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;

/// A training step as the second of two stages does it: the Template's forward, the transformer, the loss, the
/// gradients of the Template's weights, and their update.
final class TrainingWork implements OpenWork {

    private static final double LEARNING_RATE = 1e-4;
    private static final double WEIGHT_DECAY = 0.01;

    private final TransformerPass pass;
    private final boolean checkpointed;
    private final Collection<Parameter> parameters;
    private final AdamW optimizer;

    TrainingWork(BenchModels models, boolean checkpointed) {
        this.checkpointed = checkpointed;
        pass = new TransformerPass(models);
        pass.template().trainOnly(Set.of(""));
        parameters = pass.template().state().values();
        optimizer = new AdamW(parameters, AdamW.Settings.withDecay(WEIGHT_DECAY));
    }

    @Override
    public long run() {
        long forward;
        try (Scope _ = new Scope();
                GradMode _ = GradMode.enabled();
                GradientTape tape = new GradientTape()) {
            Tensor velocity;
            try (MultiplyAdds count = new MultiplyAdds()) {
                velocity = pass.predict(pass.steer(), checkpointed ? tape : Checkpointing.OFF);
                forward = count.total();
            }
            Tensor loss = Ops.meanSquaredError(velocity, Ops.add(velocity.detach(), 1));
            tape.backward(loss);
            Tensors.toDouble(loss);
        }
        optimizer.update(LEARNING_RATE);
        parameters.forEach(Parameter::clearGradient);
        return forward;
    }

    @Override
    public int passes() {
        return checkpointed ? 3 : 2;
    }

    @Override
    public void close() {
        optimizer.close();
        pass.close();
    }
}
