package io.stencil.lab.evaluate;

import java.util.List;

/// What one measurement found.
///
/// @param measure its name
/// @param pictures that it made
/// @param rows of pictures for people to look at, each with a heading
public record Finding(String measure, List<Figure> figures, int pictures, double seconds, List<PictureRow> rows) {

    public Finding {
        figures = List.copyOf(figures);
        rows = List.copyOf(rows);
    }

    public boolean holds() {
        return figures.stream().allMatch(Figure::holds);
    }
}
