package io.stencil.lab.evaluate;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.image.RgbImage;
import java.util.List;
import java.util.function.Consumer;

/// Paints images, steered by Templates.
public interface Painter {

    /// One input for one Template.
    ///
    /// @param template name of the Template
    /// @param fields of the input
    record Steering(String template, ObjectNode fields) {

        static Steering of(String template, Consumer<ObjectNode> fields) {
            ObjectNode node = JsonNodeFactory.instance.objectNode();
            fields.accept(node);
            return new Steering(template, node);
        }

        /// An input of one number.
        public static Steering of(String template, String field, double value) {
            return of(template, fields -> fields.put(field, value));
        }
    }

    /// @param steering inputs for both sides of the guidance, so that the Template is measured and not its
    /// amplification
    RgbImage paint(String prompt, long seed, List<Steering> steering);

    /// Paints over an image: begins with some noise on it, not with noise alone.
    ///
    /// @param strength of the noise, above 0 to 1
    RgbImage paintOver(RgbImage image, double strength, String prompt, long seed, List<Steering> steering);

    /// Keeps an image for Templates that take one.
    ///
    /// @return its name in an input
    String keep(RgbImage image);
}
