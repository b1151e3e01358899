package io.stencil.image;

/// Red and blue are sent as their differences to green.
record SubtractGreenTransform(int sentWidth) implements LosslessTransform {

    @Override
    public int[] undo(int[] argb) {
        for (int i = 0; i < argb.length; i++) {
            int green = argb[i] >> 8 & 0xFF;
            argb[i] = LosslessTransform.add(argb[i], green << 16 | green);
        }
        return argb;
    }
}
