package io.stencil.springboot;

import io.stencil.service.ImageService;
import io.stencil.service.ServiceSettings;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;

/// Opens an [ImageService] where `stencil.model` names a base model and the application has no service of its own, and
/// closes it with the application.
@AutoConfiguration
@ConditionalOnProperty("stencil.model")
@ConditionalOnMissingBean(ImageService.class)
@EnableConfigurationProperties(StencilProperties.class)
public class StencilAutoConfiguration {

    /// Loads the models, which takes the seconds that reading their files takes.
    @Bean
    ImageService imageService(StencilProperties properties, ObjectProvider<ServiceSettingsCustomizer> customizers) {
        ServiceSettings.Builder settings = properties.settings();
        customizers.orderedStream().forEach(customizer -> customizer.customize(settings));
        return ImageService.open(settings.build());
    }

    /// Cancels what has not ended in time. The service's own `close`, which Spring calls afterwards, finds it closed.
    @Bean
    DisposableBean imageServiceShutdown(ImageService service, StencilProperties properties) {
        return () -> service.close(properties.shutdownTimeout());
    }
}
