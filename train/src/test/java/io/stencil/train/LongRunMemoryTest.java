package io.stencil.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.pipeline.GenerationRequest;
import io.stencil.template.TemplateInput;
import io.stencil.template.TemplateInputs;
import io.stencil.template.Warnings;
import io.stencil.template.load.TemplateFolder;
import io.stencil.template.pipeline.TemplatePipeline;
import io.stencil.testing.MemoryTrack;
import io.stencil.train.events.TrainingListener;
import io.stencil.train.events.TrainingListener.StepReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A process that trains and then generates for long keeps no memory of it. `make soak` runs the long one.
@Tag("memory")
class LongRunMemoryTest {

    private static final int PICTURES = 4;
    /// Of what is in use once the first repetitions are done.
    private static final double BOUND = 0.02;

    @Test
    @Tag("soak")
    void tenThousandStepsAndThreeHundredGenerations(@TempDir Path folder) throws IOException {
        Course training = train(folder, 10_000, 1_000);
        System.out.println(training);
        assertThat(training.growth()).as("growth while training").isLessThan(BOUND / 2);
        assertThat(training.slowing()).as("time of the last steps").isLessThan(1.1);
        assertThat(generate(300, 30)).as("growth while generating").isLessThan(BOUND);
    }

    @Test
    void aFewHundredStepsAndGenerations(@TempDir Path folder) throws IOException {
        assertThat(train(folder, 240, 60).growth()).as("growth while training").isLessThan(BOUND);
        assertThat(generate(60, 20)).as("growth while generating").isLessThan(BOUND);
    }

    /// @param growth of resident memory after the first part of a run
    /// @param slowing median time of the last tenth of the steps over that of the second tenth
    private record Course(double growth, double slowing) {}

    private static double median(List<Long> nanoseconds) {
        return nanoseconds.stream().sorted().toList().get(nanoseconds.size() / 2);
    }

    private static Course train(Path folder, int steps, int settledAfter) throws IOException {
        TinyDataset dataset = TinyDataset.paint(Files.createDirectory(folder.resolve("data")), PICTURES);
        MemoryTrack track = new MemoryTrack(settledAfter);
        List<Long> ends = new ArrayList<>();
        TrainingResult result = new Trainer()
                .run(
                        dataset.options(folder.resolve("out"))
                                .repeat(steps / PICTURES)
                                .gradientCheckpointing(true)
                                .build(),
                        new TrainingListener() {
                            @Override
                            public void onStep(StepReport report) {
                                track.repetitionDone();
                                ends.add(System.nanoTime());
                            }
                        });
        assertThat(result.steps()).isEqualTo(steps);
        List<Long> times = new ArrayList<>();
        for (int i = 1; i < ends.size(); i++) {
            times.add(ends.get(i) - ends.get(i - 1));
        }
        int tenth = times.size() / 10;
        double slowing = median(times.subList(9 * tenth, 10 * tenth)) / median(times.subList(tenth, 2 * tenth));
        return new Course(track.growth(), slowing);
    }

    /// Guided, so that both sides' caches are made and freed.
    private static double generate(int generations, int settledAfter) {
        List<TemplateInput> bright = TemplateInputs.parse("{\"scale\": 0.8}");
        List<TemplateInput> neutral = TemplateInputs.parse("{\"scale\": 0.5}");
        MemoryTrack track = new MemoryTrack(settledAfter);
        try (TemplatePipeline pipeline = new TemplatePipeline(
                TinyTraining.pipeline(),
                List.of(new TemplateFolder(TinyTraining.templateFolder())),
                TemplatePipeline.Loading.EAGER,
                Warnings.logged())) {
            for (int i = 0; i < generations; i++) {
                GenerationRequest request = GenerationRequest.of("a wall")
                        .size(32, 32)
                        .steps(2)
                        .cfgScale(3)
                        .seed(i)
                        .build();
                pipeline.generate(request, bright, neutral, (_, _) -> {});
                track.repetitionDone();
            }
        }
        return track.growth();
    }
}
