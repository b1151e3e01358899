package io.stencil.lab.evaluate;

import io.stencil.error.InvalidRequestException;
import java.util.ArrayList;
import java.util.List;

/// All measurements.
public final class Measures {

    public static final List<Measure> ALL = List.of(
            new BaseMeasure(),
            new BrightnessMeasure(),
            new SoftRgbMeasure(),
            new SharpnessMeasure(),
            new ControlMeasure(),
            new EditMeasure(),
            new UpscaleMeasure(),
            new InpaintMeasure(),
            new StylesMeasure(),
            new PaletteMeasure(),
            new CountMeasure(),
            new FrameMeasure(),
            new BrightControlMeasure(),
            new RgbInpaintMeasure());

    private Measures() {}

    /// Names of all measurements, in their order.
    public static List<String> names() {
        return ALL.stream().map(Measure::name).toList();
    }

    /// @param names of measurements; none for all
    /// @throws InvalidRequestException for a name that none has
    public static List<Measure> named(List<String> names) {
        if (names.isEmpty()) {
            return ALL;
        }
        List<String> known = names();
        List<Measure> chosen = new ArrayList<>();
        for (String name : names) {
            int at = known.indexOf(name);
            if (at < 0) {
                throw new InvalidRequestException(
                        "NAME", "'%s' is no measurement; there are %s".formatted(name, String.join(", ", known)));
            }
            chosen.add(ALL.get(at));
        }
        return chosen;
    }
}
