package io.stencil.lab.evaluate;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageWriter;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.pipeline.ProgressListener;
import io.stencil.template.TemplateInput;
import io.stencil.template.pipeline.TemplatePipeline;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/// Paints with a Template pipeline.
public final class PipelinePainter implements Painter {

    /// @param size of an image in pixels
    /// @param steps of denoising
    public record Settings(ImageSize size, int steps, double cfgScale) {}

    private final TemplatePipeline pipeline;
    private final List<String> templates;
    private final Path folder;
    private final Settings settings;
    private double cfgScale;
    private List<Steering> against = List.of();
    private int painted;
    private int imageCount;

    /// @param pipeline stays the caller's
    /// @param templates names of the pipeline's Templates, in its order
    /// @param folder receives images that Templates take
    public PipelinePainter(TemplatePipeline pipeline, List<String> templates, Path folder, Settings settings) {
        this.pipeline = pipeline;
        this.templates = List.copyOf(templates);
        this.folder = folder;
        this.settings = settings;
        this.cfgScale = settings.cfgScale();
    }

    @Override
    public RgbImage paint(String prompt, long seed, List<Steering> steering) {
        return paint(request(prompt, seed).build(), steering);
    }

    @Override
    public RgbImage paintOver(RgbImage image, double strength, String prompt, long seed, List<Steering> steering) {
        return paint(
                request(prompt, seed)
                        .inputImage(image)
                        .denoisingStrength(strength)
                        .build(),
                steering);
    }

    private GenerationRequest.Builder request(String prompt, long seed) {
        return GenerationRequest.of(prompt)
                .size(settings.size().height(), settings.size().width())
                .steps(settings.steps())
                .cfgScale(cfgScale)
                .seed(seed);
    }

    private RgbImage paint(GenerationRequest request, List<Steering> steering) {
        List<TemplateInput> inputs = inputs(steering);
        List<TemplateInput> negative =
                !request.isGuided() ? List.of() : steering.isEmpty() || against.isEmpty() ? inputs : inputs(against);
        painted++;
        return pipeline.generate(request, inputs, negative, ProgressListener.NONE)
                .image();
    }

    private List<TemplateInput> inputs(List<Steering> steering) {
        return steering.stream().map(this::input).toList();
    }

    private TemplateInput input(Steering steering) {
        ObjectNode fields = steering.fields();
        return new TemplateInput(templates.indexOf(steering.template()), fields, folder);
    }

    @Override
    public String keep(RgbImage image) {
        String name = String.format(Locale.ROOT, "%05d.png", imageCount++);
        try {
            RgbImageWriter.write(image, folder.resolve(name));
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(folder.resolve(name)), "cannot be written: " + e, e);
        }
        return name;
    }

    /// Paints with another scale of guidance from now on.
    public void guide(double scale) {
        cfgScale = scale;
    }

    /// Guides steered images away from these inputs from now on, which amplifies what the others do.
    ///
    /// @param negative inputs for the negative side, or none for those of the positive side
    public void against(List<Steering> negative) {
        against = List.copyOf(negative);
    }

    /// Images painted so far.
    public int painted() {
        return painted;
    }
}
