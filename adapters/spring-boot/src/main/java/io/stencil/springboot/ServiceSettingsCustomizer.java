package io.stencil.springboot;

import io.stencil.service.ServiceSettings;

/// Changes the settings of the service that properties give: a bean of this type adds Templates from anywhere, for
/// instance. Beans are applied in their order.
@FunctionalInterface
public interface ServiceSettingsCustomizer {

    /// @param settings with what the properties say
    void customize(ServiceSettings.Builder settings);
}
