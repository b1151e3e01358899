package io.stencil.lab.demo;

import io.stencil.autograd.ActivationPolicy;
import io.stencil.flux2.schedule.FlowMatchSchedule;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.tensor.TorchGenerator;
import io.stencil.train.data.Dataset;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.step.Draw;
import io.stencil.train.step.NoiseDraws;
import io.stencil.train.step.TrainingStep;

/// The loss on fixed noise and fixed timesteps, which tells what training did without the scatter of its own draws.
///
/// Each picture is noised to `levels` timesteps, evenly spread over the schedule.
///
/// @param seed of the noise; training draws from another
record Validation(Dataset dataset, int levels, long seed) {

    /// Number of losses that the mean is taken over.
    int samples() {
        return dataset.rows().size() * levels;
    }

    /// The mean loss of a Template. Its weights stay as they are.
    double loss(Flux2Pipeline pipeline, LoadedTemplate<?, ?> template) {
        TrainingStep.Settings settings = new TrainingStep.Settings(new ActivationPolicy.Keep(), Demo.WEIGHTING, null);
        TrainingStep step = new TrainingStep(pipeline, template, settings, _ -> {});
        double sum = 0;
        try (TorchGenerator generator = new TorchGenerator(seed)) {
            for (DatasetRow row : dataset.rows()) {
                for (int level = 0; level < levels; level++) {
                    int index = (2 * level + 1) * FlowMatchSchedule.TRAINING_STEPS / (2 * levels);
                    NoiseDraws draws = (dtype, shape) -> new Draw(index, generator.randn(dtype, shape));
                    sum += step.accumulate(dataset.load(row, template), draws, 1);
                }
            }
        }
        return sum / samples();
    }
}
