package io.stencil.lab.world;

import io.stencil.image.ImageSize;

/// Makes the samples of one kind of dataset.
@FunctionalInterface
interface SampleMaker {

    /// Role of the pictures to be learnt; those that a Template is given have other roles.
    String TARGET = "images";

    /// @param draws of this sample alone
    /// @param sample takes the pictures
    /// @param size of all of them
    Row make(Draws draws, Sample.Builder sample, ImageSize size);
}
