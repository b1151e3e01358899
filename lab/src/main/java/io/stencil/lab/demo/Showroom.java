package io.stencil.lab.demo;

import io.stencil.lab.evaluate.Measure;
import io.stencil.lab.evaluate.Measures;
import io.stencil.lab.evaluate.Painter.Steering;
import io.stencil.lab.evaluate.PipelinePainter;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.Warnings;
import io.stencil.template.load.TemplateSource;
import io.stencil.template.pipeline.TemplatePipeline;
import java.nio.file.Path;
import java.util.List;

/// Makes the same pictures at several scales, and measures what the scale does to them.
///
/// @param seed of scenes and noise
/// @param share of the pictures that `stencil evaluate` makes
record Showroom(TemplateSource template, Path folder, long seed, double share) {

    private static final Measure<?> MEASURE =
            Measures.named(List.of("brightness")).getFirst();

    /// The Template on both sides of guidance.
    ///
    /// @param guidance 1 for none
    Measure.Outcome look(TemplatePipeline pipeline, double guidance) {
        return look(pipeline, guidance, List.of());
    }

    /// The Template guided away from its neutral scale, so that guidance holds for it as for the caption.
    Measure.Outcome lookAmplified(TemplatePipeline pipeline, double guidance) {
        return look(pipeline, guidance, List.of(Steering.of(MEASURE.name(), "scale", DemoPlan.NEUTRAL)));
    }

    private Measure.Outcome look(TemplatePipeline pipeline, double guidance, List<Steering> against) {
        PipelinePainter painter = new PipelinePainter(
                pipeline,
                MEASURE.templates(),
                folder,
                new PipelinePainter.Settings(DemoPlan.SIDE, DemoPlan.INFERENCE_STEPS, guidance));
        painter.against(against);
        return MEASURE.run(painter, new Measure.Effort(seed, share));
    }

    /// @param base owned by the pipeline from now on
    TemplatePipeline open(Flux2Pipeline base) {
        return new TemplatePipeline(base, List.of(template), TemplatePipeline.Loading.EAGER, Warnings.logged());
    }
}
