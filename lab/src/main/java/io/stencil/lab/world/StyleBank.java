package io.stencil.lab.world;

import java.util.List;

/// Which styles a bank of LoRAs holds: the place of one is its id.
public final class StyleBank {

    public static final List<Style> STYLES = List.of(Style.VIVID, Style.VIGNETTE, Style.DUSK);

    /// How several LoRAs are joined; with one it makes no difference.
    public static final String MERGE = "concat";

    private StyleBank() {}
}
