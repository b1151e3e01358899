package io.stencil.lab.world;

import io.stencil.image.ImageSize;
import java.util.List;

/// Ways to finish an image, each of any strength from 0 to 1.
public enum Style {
    /// Stronger colours.
    VIVID {
        @Override
        public Canvas apply(Canvas image, double strength) {
            Plane grey = Plane.of(image.size(), (x, y) -> image.mean(x, y));
            double gain = 1 + 0.8 * strength;
            return image.map(plane ->
                    Plane.of(plane.size(), (x, y) -> grey.at(x, y) + gain * (plane.at(x, y) - grey.at(x, y))));
        }
    },

    /// Dark corners.
    VIGNETTE {
        @Override
        public Canvas apply(Canvas image, double strength) {
            ImageSize size = image.size();
            return image.map(plane -> Plane.of(size, (x, y) -> {
                double right = (2 * x + 1.0) / size.width() - 1;
                double down = (2 * y + 1.0) / size.height() - 1;
                double away = (right * right + down * down) / 2;
                return plane.at(x, y) * (1 - 0.85 * strength * away * away);
            }));
        }
    },

    /// Cold light from above, warm light from below.
    DUSK {
        @Override
        public Canvas apply(Canvas image, double strength) {
            ImageSize size = image.size();
            return Canvas.of(channel -> Plane.of(size, (x, y) -> {
                double down = (2 * y + 1.0) / size.height() - 1;
                double warm = (1 - channel) * 0.55 * strength * down;
                return image.channels().get(channel).at(x, y) * (1 + warm);
            }));
        }
    },

    /// A white frame.
    FRAME {
        @Override
        public Canvas apply(Canvas image, double strength) {
            ImageSize size = image.size();
            double width = FRAME_WIDTH * size.width();
            return image.map(plane -> Plane.of(size, (x, y) -> {
                double inside = Math.min(Math.min(x, y), Math.min(size.width() - 1 - x, size.height() - 1 - y));
                double cover = strength * Math.clamp(width - inside, 0, 1);
                return cover * FRAME_WHITE + (1 - cover) * plane.at(x, y);
            }));
        }
    };

    /// Styles of the bank of LoRAs: the place of one is its id.
    public static final List<Style> BANK = List.of(VIVID, VIGNETTE, DUSK);

    /// How several LoRAs of the bank are joined; with one it makes no difference.
    public static final String MERGE = "concat";

    /// Width of the frame, in sides of the image.
    public static final double FRAME_WIDTH = 4 / 64.0;

    private static final double FRAME_WHITE = 0.94;

    /// @param strength 0 for the image as it is, to 1
    public abstract Canvas apply(Canvas image, double strength);
}
