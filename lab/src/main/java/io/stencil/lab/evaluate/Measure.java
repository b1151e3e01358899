package io.stencil.lab.evaluate;

import java.util.List;

/// One measurement: pictures are made of held-out scenes, and looked at by a program.
public interface Measure {

    /// Its name on the command line.
    String name();

    /// Names of the Templates that it needs.
    List<String> templates();

    /// The scale of classifier-free guidance that suits it. Guidance pushes towards the caption and away from what a
    /// Template holds fast, so that Templates which copy a picture want little of it.
    default double guidance() {
        return 2;
    }

    /// Makes the pictures and measures them.
    Outcome run(Painter painter, Effort effort);

    /// @param rows pictures for people to look at
    record Outcome(List<Figure> figures, List<PictureRow> rows) {
        public Outcome {
            figures = List.copyOf(figures);
            rows = List.copyOf(rows);
        }
    }
}
