package io.stencil.lab.evaluate;

import io.stencil.image.RgbImage;
import java.util.List;

/// Makes pictures, steered by Templates.
public interface Painter {

    /// @param steering inputs for both sides of the guidance, so that what is measured is the Template and not its
    ///     amplification
    RgbImage paint(String prompt, long seed, List<Steering> steering);

    /// Paints over a picture: begins with some noise on it, not with noise alone.
    ///
    /// @param strength of the noise, above 0 to 1
    RgbImage paintOver(RgbImage picture, double strength, String prompt, long seed, List<Steering> steering);

    /// Keeps a picture for Templates that take one.
    ///
    /// @return what their input calls it
    String keep(RgbImage picture);
}
