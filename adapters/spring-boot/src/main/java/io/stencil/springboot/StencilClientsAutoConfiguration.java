package io.stencil.springboot;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.micrometer.observation.ObservationRegistry;
import io.stencil.service.ImageService;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.health.autoconfigure.contributor.ConditionalOnEnabledHealthIndicator;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/// Adds what an application uses an [ImageService] by, as far as the libraries are there: image models of LangChain4j
/// and Spring AI, a health indicator and metrics.
@AutoConfiguration(after = StencilAutoConfiguration.class)
@ConditionalOnBean(ImageService.class)
@EnableConfigurationProperties(StencilProperties.class)
public class StencilClientsAutoConfiguration {

    /// With `stencil-langchain4j`.
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(io.stencil.langchain4j.StencilImageModel.class)
    static class LangChain4jModel {

        @Bean
        @ConditionalOnMissingBean(dev.langchain4j.model.image.ImageModel.class)
        io.stencil.langchain4j.StencilImageModel langChain4jImageModel(
                ImageService service, StencilProperties properties) {
            return io.stencil.langchain4j.StencilImageModel.builder(service)
                    .timeout(properties.timeout())
                    .build();
        }
    }

    /// With `stencil-spring-ai`, unless Spring AI's property `spring.ai.model.image` chooses another model.
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(io.stencil.springai.StencilImageModel.class)
    @ConditionalOnProperty(name = "spring.ai.model.image", havingValue = "stencil", matchIfMissing = true)
    static class SpringAiModel {

        @Bean
        @ConditionalOnMissingBean(org.springframework.ai.image.ImageModel.class)
        io.stencil.springai.StencilImageModel springAiImageModel(
                ImageService service, StencilProperties properties, ObjectProvider<ObservationRegistry> observations) {
            return io.stencil.springai.StencilImageModel.builder(service)
                    .timeout(properties.timeout())
                    .observationRegistry(observations.getIfUnique(() -> ObservationRegistry.NOOP))
                    .build();
        }
    }

    /// With `spring-boot-starter-actuator`.
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(HealthIndicator.class)
    static class Health {

        @Bean
        @ConditionalOnEnabledHealthIndicator("stencil")
        @ConditionalOnMissingBean(name = "stencilHealthIndicator")
        HealthIndicator stencilHealthIndicator(ImageService service) {
            return new StencilHealthIndicator(service);
        }
    }

    /// With Micrometer, which the actuator brings: the registries of the application take the binder by themselves.
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(MeterRegistry.class)
    static class Metrics {

        @Bean
        @ConditionalOnMissingBean(name = "stencilMetrics")
        MeterBinder stencilMetrics(ImageService service) {
            return new StencilMetrics(service);
        }
    }
}
