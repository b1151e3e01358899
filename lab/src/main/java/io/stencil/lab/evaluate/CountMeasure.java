package io.stencil.lab.evaluate;

import io.stencil.lab.world.Dots;
import io.stencil.lab.world.Scenes;
import io.stencil.lab.world.StyleScore;
import java.util.List;
import java.util.stream.IntStream;

/// `{n}` against the number of dots that the picture shows.
public record CountMeasure() implements Measure {

    private static final String TEMPLATE = "count";

    @Override
    public String name() {
        return TEMPLATE;
    }

    @Override
    public List<String> templates() {
        return List.of(TEMPLATE);
    }

    @Override
    public double guidance() {
        return 1.4;
    }

    @Override
    public Outcome run(Painter painter, Effort effort) {
        List<Double> numbers =
                IntStream.rangeClosed(1, Dots.MOST).mapToObj(n -> (double) n).toList();
        Grid grid = Grid.paint(
                painter, effort, HeldOut.scenes(effort, effort.of(20, 2), Scenes::aboveBottom), numbers, n -> {
                    Steering steering = Steering.of(TEMPLATE);
                    steering.fields().put("n", (int) n);
                    return steering;
                });
        double[] means = grid.means(StyleScore::dots);
        double leastStep = IntStream.range(1, means.length)
                .mapToDouble(i -> means[i] - means[i - 1])
                .min()
                .orElseThrow();
        return new Outcome(
                List.of(
                        Figure.above("least step of the mean number of dots from n to n + 1", leastStep, 0),
                        Figure.atLeast("Spearman of n and dots, all pictures", grid.spearman(StyleScore::dots), 0.9)),
                grid.shown("n"));
    }
}
