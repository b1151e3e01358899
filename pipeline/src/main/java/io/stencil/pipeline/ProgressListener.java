package io.stencil.pipeline;

import io.stencil.image.RgbImage;
import java.util.List;

/// Receives the steps and warnings of one generation, on the thread that generates.
@FunctionalInterface
public interface ProgressListener {

    ProgressListener NONE = (_, _) -> {};

    /// Receives a step that is done.
    ///
    /// @param done from 1 to `total`
    /// @param total of all images together: images that do not fit in memory together are denoised one after another
    void onStep(int done, int total);

    /// Receives a step that is done, with its previews. Calls [#onStep(int, int)] unless it is implemented.
    ///
    /// @param previews of the images that the step was one of; to be read before this method returns
    default void onStep(int done, int total, Previews previews) {
        onStep(done, total);
    }

    /// Receives, before the first step, a line about a value of the request that has no effect or not the whole of it:
    /// a prompt that is cut, a size that is rounded up. Goes to the Java platform's logging unless it is implemented.
    default void onWarning(String message) {
        System.getLogger("io.stencil").log(System.Logger.Level.WARNING, message);
    }

    /// Small approximations of the images as they would be without the noise that is left.
    interface Previews {

        /// Index of the first of these images among all of the generation.
        int first();

        /// Computes the previews, for which a [linear map][io.stencil.flux2.vae.LatentPreview] takes the VAE's place;
        /// no time goes into them otherwise. The first ones of a pipeline take longer, as the map is fitted then.
        ///
        /// @return one for each image of the step, of at most 128 x 128 pixels where the image has no more latents
        /// @throws io.stencil.error.InvalidStateException when the listener has returned, and on another thread
        List<RgbImage> images();
    }

    /// The progress of some images of a generation, as progress of the whole. Warnings of the first part alone are
    /// passed on, as those of the others repeat them.
    ///
    /// @param whole receives the steps of all images
    /// @param first index of the first image of the part
    /// @param doneBefore steps of earlier parts
    /// @param total steps of all parts
    record Part(ProgressListener whole, int first, int doneBefore, int total) implements ProgressListener {

        @Override
        public void onStep(int done, int ofPart) {
            whole.onStep(doneBefore + done, total);
        }

        @Override
        public void onStep(int done, int ofPart, Previews previews) {
            whole.onStep(doneBefore + done, total, new Previews() {
                @Override
                public int first() {
                    return first + previews.first();
                }

                @Override
                public List<RgbImage> images() {
                    return previews.images();
                }
            });
        }

        @Override
        public void onWarning(String message) {
            if (first == 0) {
                whole.onWarning(message);
            }
        }
    }
}
