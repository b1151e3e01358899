package io.stencil.template;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.stencil.error.InvalidRequestException;
import io.stencil.image.RgbImage;
import io.stencil.pipeline.EditImages;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.pipeline.Inpaint;
import io.stencil.pipeline.ProgressListener;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.load.TemplateFolder;
import io.stencil.template.load.TemplateSource;
import io.stencil.template.load.TrustedCode;
import io.stencil.template.pipeline.TemplatePipeline;
import io.stencil.template.pipeline.TemplatePipeline.Loading;
import io.stencil.tensor.Device;
import io.stencil.testing.TestFiles;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/// Public methods name the argument that is null.
class NullArgumentsTest {

    private static void check(Map<String, ThrowingCallable> calls) {
        calls.forEach((argument, call) -> assertThatThrownBy(call)
                .as(argument)
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'%s': is null; a value is required".formatted(argument.strip())));
    }

    @Test
    @SuppressWarnings("NullAway") // null is the misuse
    void ofValues() {
        Map<String, ThrowingCallable> calls = new LinkedHashMap<>();
        GenerationRequest.Builder builder = GenerationRequest.of("a wall");
        calls.put("positive", () -> builder.positive(null));
        calls.put("negative", () -> builder.negative(null));
        calls.put("edit_image", () -> new EditImages(null, false));
        calls.put("edit_image[0]", () -> new EditImages(Arrays.asList((RgbImage) null), false));
        calls.put("inpaint_mask", () -> new Inpaint(null));
        calls.put("dtype", () -> new LoadOptions(null, Device.CPU));
        calls.put("parts", () -> new ModelFiles(null, null));
        calls.put("parts[1]", () -> new ModelFiles(Arrays.asList(List.of(Path.of("a")), null), null));
        calls.put(
                "parts[2][1]",
                () -> new ModelFiles(
                        List.of(List.of(Path.of("a")), List.of(Path.of("b")), Arrays.asList(Path.of("c"), null)),
                        null));
        calls.put("folder", () -> ModelFiles.in(null));
        calls.put("files", () -> Flux2Pipeline.load(null, LoadOptions.DEFAULT));
        calls.put("options", () -> Flux2Pipeline.load(new ModelFiles(List.of(), null), null));
        calls.put("models", () -> new Flux2Pipeline(null));
        calls.put("folder ", () -> new TemplateFolder(null));
        calls.put("trusted", () -> new TemplateFolder(Path.of("."), null));
        calls.put("sha256", () -> TrustedCode.of(null));
        calls.put("template_inputs", () -> TemplateInputs.parse(null));
        calls.put("fields", () -> new TemplateInput(0, null, Path.of("")));
        calls.put("folder  ", () -> new TemplateInput(0, JsonNodeFactory.instance.objectNode(), null));
        check(calls);
    }

    @Test
    @SuppressWarnings("NullAway") // null is the misuse
    void ofPipelines() {
        GenerationRequest request = GenerationRequest.of("a wall").size(32, 32).build();
        TemplateFolder template = new TemplateFolder(TestFiles.golden("template_value_a"));
        try (TemplatePipeline pipeline = new TemplatePipeline(
                TinyPipeline.transformerOnly(), List.of(template), Loading.LAZY, Warnings.logged())) {
            Flux2Pipeline base = pipeline.base();
            List<TemplateInput> none = List.of();
            Map<String, ThrowingCallable> calls = new LinkedHashMap<>();
            calls.put("base", () -> new TemplatePipeline(null, List.of(), Loading.LAZY, Warnings.logged()));
            calls.put("sources", () -> new TemplatePipeline(base, null, Loading.LAZY, Warnings.logged()));
            calls.put(
                    "sources[1]",
                    () -> new TemplatePipeline(
                            base, Arrays.<TemplateSource>asList(template, null), Loading.LAZY, Warnings.logged()));
            calls.put("loading", () -> new TemplatePipeline(base, List.of(), null, Warnings.logged()));
            calls.put("warnings", () -> new TemplatePipeline(base, List.of(), Loading.LAZY, null));
            calls.put("request", () -> pipeline.generate(null, none));
            calls.put("template_inputs", () -> pipeline.generate(request, null));
            calls.put("negative_template_inputs", () -> pipeline.generate(request, none, null, ProgressListener.NONE));
            calls.put("progress", () -> pipeline.generate(request, none, none, null));
            calls.put("template_inputs[0]", () -> pipeline.cache(Arrays.asList((TemplateInput) null)));
            calls.put("request ", () -> base.generate(null));
            calls.put("progress ", () -> base.generate(request, null));
            calls.put("file", () -> base.loadLora(null, 1));
            calls.put("file ", () -> base.fuseLora(null, 1));
            calls.put("base ", () -> template.load(null));
            calls.put("base  ", () -> template.check(null));
            check(calls);
        }
    }
}
