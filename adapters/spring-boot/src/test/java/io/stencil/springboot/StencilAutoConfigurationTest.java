package io.stencil.springboot;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.binder.MeterBinder;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.stencil.error.InvalidFileException;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.pipeline.GeneratedImage;
import io.stencil.service.ImageRequest;
import io.stencil.service.ImageService;
import io.stencil.service.ServiceSettings;
import io.stencil.service.TemplateInfo;
import io.stencil.testing.JavaExample;
import io.stencil.testing.TestFiles;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.context.annotation.ImportCandidates;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationContext;
import org.yaml.snakeyaml.Yaml;

/// Which beans an application gets, from which properties.
class StencilAutoConfigurationTest {

    private static final String PROMPT = "a large red square on the right, teal background";
    private static final Map<String, Object> BRIGHT = Map.of("scale", 0.9);

    private static String tree(String path) {
        return TestFiles.root().resolve(path).toString();
    }

    private static ApplicationContextRunner application() {
        return new ApplicationContextRunner()
                .withConfiguration(
                        AutoConfigurations.of(StencilAutoConfiguration.class, StencilClientsAutoConfiguration.class));
    }

    private static ApplicationContextRunner tiny() {
        return application()
                .withPropertyValues(
                        "stencil.model=" + tree("models/tiny-klein"),
                        "stencil.dtype=float32",
                        "stencil.size.width=64",
                        "stencil.size.height=64");
    }

    private static Health health(ApplicationContext context) {
        return Objects.requireNonNull(
                context.getBean("stencilHealthIndicator", HealthIndicator.class).health());
    }

    @Test
    void springBootFindsTheConfigurations() {
        assertThat(ImportCandidates.load(
                        org.springframework.boot.autoconfigure.AutoConfiguration.class,
                        getClass().getClassLoader()))
                .contains(StencilAutoConfiguration.class.getName(), StencilClientsAutoConfiguration.class.getName());
    }

    @Test
    void withoutAModelThereIsNothing() {
        application()
                .run(context -> assertThat(context)
                        .hasNotFailed()
                        .doesNotHaveBean(ImageService.class)
                        .doesNotHaveBean(MeterBinder.class)
                        .doesNotHaveBean(HealthIndicator.class)
                        .doesNotHaveBean(org.springframework.ai.image.ImageModel.class)
                        .doesNotHaveBean(dev.langchain4j.model.image.ImageModel.class));
    }

    @Test
    void propertiesMakeTheServiceItsModelsHealthAndMetrics() {
        ImageService[] closed = new ImageService[1];
        tiny().withPropertyValues(
                        "stencil.model-name=tiny",
                        "stencil.templates.brightness=" + tree("examples/brightness"),
                        "stencil.limits.queue-size=3",
                        "stencil.limits.max-pixels=65536",
                        "stencil.limits.cache-size=1MB",
                        "stencil.limits.kept-time=5m")
                .withBean(ServiceSettingsCustomizer.class, () -> settings -> settings.maxImages(2))
                .run(context -> {
                    assertThat(context).hasNotFailed();
                    ImageService service = context.getBean(ImageService.class);
                    closed[0] = service;
                    assertThat(service.model().name()).isEqualTo("tiny");
                    assertThat(service.templates().stream().map(TemplateInfo::name))
                            .containsExactly("brightness");
                    ServiceSettings.Limits limits = service.settings().limits();
                    assertThat(limits.queueSize()).isEqualTo(3);
                    assertThat(limits.pixels()).isEqualTo(65536);
                    assertThat(limits.cacheBytes()).isEqualTo(1 << 20);
                    assertThat(limits.keptTime()).isEqualTo(Duration.ofMinutes(5));
                    assertThat(limits.images()).isEqualTo(2);
                    assertThat(limits.steps()).isEqualTo(ServiceSettings.Limits.DEFAULT.steps());

                    SimpleMeterRegistry registry = new SimpleMeterRegistry();
                    context.getBean(MeterBinder.class).bindTo(registry);
                    context.getBean(dev.langchain4j.model.image.ImageModel.class)
                            .generate(PROMPT);
                    context.getBean(org.springframework.ai.image.ImageModel.class)
                            .call(new org.springframework.ai.image.ImagePrompt(PROMPT));

                    Health health = health(context);
                    assertThat(health.getStatus()).isEqualTo(Status.UP);
                    assertThat(health.getDetails())
                            .containsEntry("model", "tiny")
                            .containsEntry("devices", List.of("cpu"))
                            .containsEntry("capacity", 3);

                    assertThat(registry.get("stencil.jobs")
                                    .tag("result", "done")
                                    .functionCounter()
                                    .count())
                            .isEqualTo(2);
                    assertThat(registry.get("stencil.queue.capacity").gauge().value())
                            .isEqualTo(3);
                    assertThat(registry.get("stencil.job.recent").gauge().value())
                            .isPositive();

                    for (String timer :
                            List.of("stencil.job.wait", "stencil.job")) { // recorded on threads of their own
                        while (registry.get(timer).timer().count() < 2) {
                            Thread.sleep(5);
                        }
                    }
                    assertThat(registry.get("stencil.step").timer().count())
                            .isEqualTo(2L * service.model().steps());
                    assertThat(registry.get("stencil.job").timer().totalTime(TimeUnit.NANOSECONDS))
                            .isPositive();

                    service.close();
                    assertThat(health(context).getStatus()).isEqualTo(Status.OUT_OF_SERVICE);
                });
        assertThat(closed[0].status().open()).isFalse();
    }

    @Test
    void anApplicationsOwnBeansStay() {
        tiny().run(first -> {
            ImageService own = first.getBean(ImageService.class);
            application()
                    .withBean("own", ImageService.class, () -> own, definition -> definition.setDestroyMethodName(""))
                    .withBean(
                            dev.langchain4j.model.image.ImageModel.class,
                            dev.langchain4j.model.image.DisabledImageModel::new)
                    .withPropertyValues("spring.ai.model.image=openai", "management.health.stencil.enabled=false")
                    .run(context -> {
                        assertThat(context).hasNotFailed().hasSingleBean(ImageService.class);
                        assertThat(context.getBean(ImageService.class)).isSameAs(own);
                        assertThat(context.getBean(dev.langchain4j.model.image.ImageModel.class))
                                .isInstanceOf(dev.langchain4j.model.image.DisabledImageModel.class);
                        assertThat(context).doesNotHaveBean(org.springframework.ai.image.ImageModel.class);
                        assertThat(context).doesNotHaveBean(HealthIndicator.class);
                    });
            assertThat(own.status().open()).isTrue();
            application()
                    .withBean("own", ImageService.class, () -> own, definition -> definition.setDestroyMethodName(""))
                    .withClassLoader(new FilteredClassLoader(
                            "dev.langchain4j",
                            "org.springframework.ai",
                            "io.micrometer",
                            "org.springframework.boot.health"))
                    .run(context -> assertThat(context).hasNotFailed().hasSingleBean(ImageService.class));
        });
    }

    @Test
    void aFaultNamesThePropertyOrFile(@TempDir Path folder) {
        application()
                .withPropertyValues("stencil.model=" + folder.resolve("absent"))
                .run(context -> assertThat(context)
                        .hasFailed()
                        .getFailure()
                        .rootCause()
                        .isInstanceOf(InvalidFileException.class)
                        .hasMessageContaining("absent"));
        tiny().withPropertyValues("stencil.dtype=int8")
                .run(context -> assertThat(context)
                        .hasFailed()
                        .getFailure()
                        .rootCause()
                        .hasMessageContaining("'stencil.dtype': is 'int8'"));
        tiny().withPropertyValues("stencil.offload-models=unet")
                .run(context -> assertThat(context)
                        .hasFailed()
                        .getFailure()
                        .rootCause()
                        .hasMessageContaining("'stencil.offload-models': names 'unet'"));
    }

    @Test
    void theAnalysisOfAFaultIsItsLine() {
        InvalidFileException fault = new InvalidFileException(Path.of("klein"), "is not a directory");
        assertThat(new StencilFailureAnalyzer().analyze(new IllegalStateException(fault)))
                .extracting(FailureAnalysis::getDescription)
                .isEqualTo("Stencil cannot open its image service: klein: is not a directory");
    }

    /// Properties as the command line has them, from the block of YAML in the documentation.
    private static List<String> arguments() throws Exception {
        List<String> arguments = new ArrayList<>();
        flatten(
                "",
                new Yaml().load(JavaExample.blocks("docs/service.md", "yaml").getFirst()),
                arguments);
        return arguments;
    }

    private static void flatten(String prefix, Map<String, Object> values, List<String> arguments) {
        values.forEach((key, value) -> {
            if (value instanceof Map<?, ?> nested) {
                @SuppressWarnings("unchecked")
                Map<String, Object> map = (Map<String, Object>) nested;
                flatten(prefix + key + ".", map, arguments);
            } else {
                String text = value.toString();
                arguments.add("--" + prefix + key + "=" + (text.contains("/") ? tree(text) : text));
            }
        });
    }

    @Test
    void theExampleOfTheDocumentationRuns(@TempDir Path folder) throws Exception {
        String example = JavaExample.block("docs/service.md", "@SpringBootApplication");
        JavaExample.run(
                "com.example.Gallery",
                JavaExample.placed(example, folder),
                folder,
                arguments().toArray(String[]::new));
        RgbImage image = RgbImageReader.read(folder.resolve("boot.png"));
        Function<ImageService, RgbImage> expected = service -> service
                .submit(ImageRequest.of(PROMPT)
                        .size(64, 64)
                        .seed(7)
                        .template("brightness", BRIGHT)
                        .build())
                .result()
                .join()
                .stream()
                .map(GeneratedImage::image)
                .findFirst()
                .orElseThrow();
        tiny().withPropertyValues("stencil.templates.brightness=" + tree("examples/brightness"))
                .run(context -> assertThat(image).isEqualTo(expected.apply(context.getBean(ImageService.class))));
    }
}
